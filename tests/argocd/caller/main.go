// The command caller asks what Argo CD's own processes ask: manifests and application details of a repo-server, and
// manifests of a config management plugin's socket.
//
//	caller manifests|details|socket <request.json >answer.json
//
// Every request of a call goes over one connection, in order, and that as often as "rounds" says, so that a benchmark
// can interleave what it compares. An error goes to stderr as the server put it, with exit status 1.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sirupsen/logrus"
)

// A call does one request once and returns its answer.
type call func(ctx context.Context) (any, error)

// Answer is what the last round brought, and how long the request took in each of them.
type Answer struct {
	Answer       any       `json:"answer"`
	Milliseconds []float64 `json:"milliseconds"`
}

// Limits are common to all requests of a call.
type Limits struct {
	Rounds   int     `json:"rounds"`   // 0 means 1
	Deadline float64 `json:"deadline"` // seconds for one request; 0 means none
}

func main() {
	logrus.SetOutput(os.Stderr)
	answers, err := answer(os.Args[1:], os.Stdin)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answer(arguments []string, input io.Reader) ([]Answer, error) {
	verbs := map[string]func(*json.Decoder) ([]call, Limits, error){
		"manifests": manifests,
		"details":   details,
		"socket":    socket,
	}
	if len(arguments) != 1 || verbs[arguments[0]] == nil {
		return nil, errors.New("usage: caller manifests|details|socket <request.json")
	}
	decoder := json.NewDecoder(input)
	decoder.DisallowUnknownFields()
	calls, limits, err := verbs[arguments[0]](decoder)
	if err != nil {
		return nil, err
	}
	return rounds(calls, limits)
}

func rounds(calls []call, limits Limits) ([]Answer, error) {
	answers := make([]Answer, len(calls))
	for range max(1, limits.Rounds) {
		for i, call := range calls {
			started := time.Now()
			answer, err := once(call, limits.Deadline)
			if err != nil {
				return nil, err
			}
			elapsed := float64(time.Since(started).Microseconds()) / 1000
			answers[i] = Answer{answer, append(answers[i].Milliseconds, elapsed)}
		}
	}
	return answers, nil
}

func once(call call, deadline float64) (any, error) {
	ctx, cancel := context.Background(), func() {}
	if deadline > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(deadline*float64(time.Second)))
	}
	defer cancel()
	return call(ctx)
}
