// Command goyaml answers what Argo CD's own parser makes of a text, for the tests of cmp.yamldoc.
//
// It reads one base64 text a line from stdin and answers each with one line of JSON (the struct answer) on stdout, so
// that one process serves thousands of generated examples.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	yamlv2 "go.yaml.in/yaml/v2"
	"k8s.io/apimachinery/pkg/runtime"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

type answer struct {
	// What sigs.k8s.io/yaml makes of the first document of the text.
	Document string `json:"document"`
	Error    string `json:"error"`
	// The text goes on after the first document; sigs.k8s.io/yaml does not read that.
	Rest bool `json:"rest"`
	// Keys of different types become one text (1 and "1"): which of the values stays differs from run to run.
	Ambiguous bool `json:"ambiguous"`
	// What Argo CD makes of the text as a stream; of the documents before an error as well.
	Stream      []string `json:"stream"`
	StreamError string   `json:"streamError"`
	// One of the documents of the stream goes on after its end, or has keys as above.
	StreamRest      bool `json:"streamRest"`
	StreamAmbiguous bool `json:"streamAmbiguous"`
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return
		}
		check(err)
		text, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(line)))
		check(err)
		check(encoder.Encode(ask(text)))
		check(out.Flush())
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "goyaml:", err)
		os.Exit(1)
	}
}

func ask(text []byte) answer {
	var a answer
	document, err := yaml.YAMLToJSON(text)
	if err != nil {
		a.Error = err.Error()
	} else {
		a.Document = withoutHTMLEscapes(document)
	}
	a.Rest, a.Ambiguous = inspect(text)
	stream, err := splitYAML(text)
	if err != nil {
		a.StreamError = err.Error()
	}
	for _, raw := range stream {
		a.Stream = append(a.Stream, withoutHTMLEscapes(raw))
	}
	reader := kubeyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		chunk, err := reader.Read()
		if err != nil {
			return a
		}
		rest, ambiguous := inspect(chunk)
		a.StreamRest = a.StreamRest || rest
		a.StreamAmbiguous = a.StreamAmbiguous || ambiguous
	}
}

// splitYAML decodes as Argo CD's kube.SplitYAMLToString does: null documents are dropped.
func splitYAML(text []byte) ([][]byte, error) {
	decoder := kubeyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	var objects [][]byte
	for {
		var object runtime.RawExtension
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return objects, err
		}
		raw := bytes.TrimSpace(object.Raw)
		if len(raw) != 0 && !bytes.Equal(raw, []byte("null")) {
			objects = append(objects, raw)
		}
	}
}

func inspect(text []byte) (rest, ambiguous bool) {
	decoder := yamlv2.NewDecoder(bytes.NewReader(text))
	var first, second any
	if decoder.Decode(&first) != nil {
		return false, false
	}
	rest = !errors.Is(decoder.Decode(&second), io.EOF)
	return rest, isAmbiguous(first)
}

func isAmbiguous(value any) bool {
	switch node := value.(type) {
	case []any:
		for _, item := range node {
			if isAmbiguous(item) {
				return true
			}
		}
	case map[any]any:
		seen := map[string]bool{}
		for key, item := range node {
			text := keyText(key)
			if seen[text] || isAmbiguous(item) {
				return true
			}
			seen[text] = true
		}
	}
	return false
}

// keyText is the text that sigs.k8s.io/yaml makes of a key.
func keyText(key any) string {
	number, ok := key.(float64)
	if !ok {
		return fmt.Sprint(key)
	}
	switch text := strconv.FormatFloat(number, 'g', -1, 32); text {
	case "+Inf":
		return ".inf"
	case "-Inf":
		return "-.inf"
	case "NaN":
		return ".nan"
	default:
		return text
	}
}

func withoutHTMLEscapes(document []byte) string {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var value any
	check(decoder.Decode(&value))
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	check(encoder.Encode(value))
	return string(bytes.TrimSpace(out.Bytes()))
}
