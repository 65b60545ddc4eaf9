// Command render-chart renders the templates of a Helm chart with Go's text/template, which Helm
// uses, and with the few functions of Helm that the chart calls. It is not Helm.
//
//	go run render-chart.go FOLDER < VALUES.json
package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

var functions = template.FuncMap{
	// JSON is YAML.
	"toYaml": func(value any) (string, error) {
		data, err := json.Marshal(value)
		return string(data), err
	},
	"nindent": func(spaces int, text string) string {
		pad := "\n" + strings.Repeat(" ", spaces)
		return pad + strings.ReplaceAll(text, "\n", pad)
	},
	"quote":     func(value any) string { return fmt.Sprintf("%q", fmt.Sprint(value)) },
	"sha256sum": func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) },
}

func main() {
	log.SetFlags(0)
	var values map[string]any
	decoder := json.NewDecoder(os.Stdin)
	// 2 stays 2, and does not become 2.0 or 2e+00.
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		log.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(os.Args[1], "templates", "*.yaml"))
	if err != nil || len(paths) == 0 {
		log.Fatal("no templates: ", err)
	}
	given := map[string]any{"Values": values, "Release": map[string]any{"Name": "prod"}}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			log.Fatal(err)
		}
		chart := template.New(filepath.Base(path)).Funcs(functions).Option("missingkey=error")
		if err := template.Must(chart.Parse(string(data))).Execute(os.Stdout, given); err != nil {
			log.Fatal(err)
		}
		fmt.Println("\n---")
	}
}
