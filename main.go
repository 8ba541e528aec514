// Command beanpole-cdk is the CDK app: configuration, stacks, synthesis.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"example.com/beanpole-cdk/stacks"
)

func main() {
	os.Exit(run())
}

// run keeps os.Exit out of the way of jsii.Close, which ends the Node process.
func run() int {
	defer jsii.Close()
	props, err := appProps()
	if err != nil {
		return fail(err)
	}
	app := awscdk.NewApp(props)
	context, _ := app.Node().GetAllContext(nil).(map[string]any)
	config, err := stacks.LoadConfig(context)
	if err != nil {
		return fail(err)
	}
	if err := stacks.Build(app, config); err != nil {
		return fail(err)
	}
	app.Synth(nil)
	return 0
}

func fail(err error) int {
	fmt.Fprintf(os.Stderr, "The configuration is wrong; nothing was synthesised.\n%v\n", err)
	return 1
}

// appProps lets the app run without the CDK CLI, as in "go run .": it reads the context from cdk.json itself then.
func appProps() (*awscdk.AppProps, error) {
	if _, fromCLI := os.LookupEnv("CDK_OUTDIR"); fromCLI {
		return nil, nil
	}
	text, err := os.ReadFile("cdk.json")
	if err != nil {
		return nil, fmt.Errorf("cdk.json: %w; run the command where cdk.json is", err)
	}
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("cdk.json: %w", err)
	}
	return &awscdk.AppProps{Context: &file.Context, Outdir: jsii.String("cdk.out")}, nil
}
