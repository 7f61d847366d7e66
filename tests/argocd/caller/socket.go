package main

import (
	"context"
	"encoding/json"

	"github.com/argoproj/argo-cd/v3/cmpserver/apiclient"
	"github.com/argoproj/argo-cd/v3/util/cmp"
)

type socketCall struct {
	Limits
	Socket string   `json:"socket"` // the path of the plugin's unix socket
	Root   string   `json:"root"`   // the folder to stream
	Path   string   `json:"path"`   // the application's folder, below root and with it
	Env    []string `json:"env"`    // NAME=value
}

// socket streams a folder to a cmp-server as the repo-server does, without a repo-server.
func socket(decoder *json.Decoder) ([]call, Limits, error) {
	var wanted socketCall
	if err := decoder.Decode(&wanted); err != nil {
		return nil, Limits{}, err
	}
	_, client, err := apiclient.NewConfigManagementPluginClientSet(wanted.Socket).NewConfigManagementPluginClient()
	if err != nil {
		return nil, Limits{}, err
	}
	generate := func(ctx context.Context) (any, error) {
		stream, err := client.GenerateManifest(ctx)
		if err != nil {
			return nil, err
		}
		if err := cmp.SendRepoStream(ctx, wanted.Path, wanted.Root, stream, wanted.Env, nil); err != nil {
			return nil, err
		}
		return stream.CloseAndRecv()
	}
	return []call{generate}, wanted.Limits, nil
}
