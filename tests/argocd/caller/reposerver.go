package main

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	"github.com/argoproj/argo-cd/v3/util/argo"
)

// Request is an application as the application-controller describes it to the repo-server.
type Request struct {
	Application   string                      `json:"application"` // its instance name: <name> or <namespace>_<name>
	Source        v1alpha1.ApplicationSource  `json:"source"`
	Project       string                      `json:"project"`
	Namespace     string                      `json:"namespace"` // of the destination
	KubeVersion   string                      `json:"kubeVersion"`
	APIVersions   []string                    `json:"apiVersions"`
	NoCache       bool                        `json:"noCache"`       // as in a hard refresh
	GeneratePaths string                      `json:"generatePaths"` // the annotation manifest-generate-paths
	Kustomize     *v1alpha1.KustomizeOptions  `json:"kustomize"`     // the program and flags of the built-in kustomize
	Helm          *v1alpha1.HelmOptions       `json:"helm"`          // the schemes of values files
	Repository    v1alpha1.Repository         `json:"repository"`    // what is known of the source's repository, beside its URL
	Sources       v1alpha1.ApplicationSources `json:"sources"`       // all sources of the Application, where it has a list of them
}

// references returns the sources that others name as $ref, as the application-controller tells the repo-server.
func (request Request) references() v1alpha1.RefTargetRevisionMapping {
	found := v1alpha1.RefTargetRevisionMapping{}
	for _, source := range request.Sources {
		if source.Ref != "" {
			found["$"+source.Ref] = &v1alpha1.RefTarget{
				Repo:           v1alpha1.Repository{Repo: source.RepoURL},
				TargetRevision: source.TargetRevision,
				Chart:          source.Chart,
			}
		}
	}
	return found
}

// normal returns the source as the application-controller has it: without blocks that say nothing.
func (request Request) normal() *v1alpha1.ApplicationSource {
	return argo.NormalizeApplicationSpec(&v1alpha1.ApplicationSpec{Source: &request.Source}).Source
}

type repoServerCall struct {
	Limits
	Server   string    `json:"server"` // host:port, plain text
	Requests []Request `json:"requests"`
}

// ask connects to the repo-server of a call and pairs each request with the way to do it.
func ask(decoder *json.Decoder, do func(context.Context, apiclient.RepoServerServiceClient, Request) (any, error)) ([]call, Limits, error) {
	var wanted repoServerCall
	if err := decoder.Decode(&wanted); err != nil {
		return nil, Limits{}, err
	}
	_, client, err := plain(apiclient.NewRepoServerClientset, wanted.Server).NewRepoServerClient()
	if err != nil {
		return nil, Limits{}, err
	}
	var calls []call
	for _, request := range wanted.Requests {
		calls = append(calls, func(ctx context.Context) (any, error) { return do(ctx, client, request) })
	}
	return calls, wanted.Limits, nil
}

// plain returns clients of a repo-server without TLS. The type that says so moved to another package between Argo CD 3.2 and 3.6.
func plain[TLS any](clients func(string, int, TLS) apiclient.Clientset, server string) apiclient.Clientset {
	var none TLS
	reflect.ValueOf(&none).Elem().FieldByName("DisableTLS").SetBool(true)
	return clients(server, 0, none)
}

func manifests(decoder *json.Decoder) ([]call, Limits, error) {
	return ask(decoder, func(ctx context.Context, client apiclient.RepoServerServiceClient, request Request) (any, error) {
		request.Repository.Repo = request.Source.RepoURL
		return client.GenerateManifest(ctx, &apiclient.ManifestRequest{
			Repo:                            &request.Repository,
			Revision:                        request.Source.TargetRevision,
			NoCache:                         request.NoCache,
			NoRevisionCache:                 request.NoCache,
			AppName:                         request.Application,
			Namespace:                       request.Namespace,
			ApplicationSource:               request.normal(),
			KubeVersion:                     request.KubeVersion,
			ApiVersions:                     request.APIVersions,
			ProjectName:                     request.Project,
			ProjectSourceRepos:              []string{"*"},
			AnnotationManifestGeneratePaths: request.GeneratePaths,
			KustomizeOptions:                request.Kustomize,
			HelmOptions:                     request.Helm,
			HasMultipleSources:              len(request.Sources) > 0,
			RefSources:                      request.references(),
		})
	})
}

func details(decoder *json.Decoder) ([]call, Limits, error) {
	return ask(decoder, func(ctx context.Context, client apiclient.RepoServerServiceClient, request Request) (any, error) {
		return client.GetAppDetails(ctx, &apiclient.RepoServerAppDetailsQuery{
			Repo:    &v1alpha1.Repository{Repo: request.Source.RepoURL},
			Source:  &request.Source,
			AppName: request.Application,
			NoCache: request.NoCache,
		})
	})
}
