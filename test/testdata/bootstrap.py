"""Makes the stack CDKToolkit on the AWS that the AWS_* variables lead to, from the template of `cdk bootstrap --show-template`
that the first argument names."""

import sys

import boto3

cloudformation = boto3.client("cloudformation")
cloudformation.create_stack(
    StackName="CDKToolkit",
    TemplateBody=open(sys.argv[1]).read(),
    Parameters=[{"ParameterKey": "CloudFormationExecutionPolicies", "ParameterValue": "arn:aws:iam::aws:policy/AdministratorAccess"}],
    Capabilities=["CAPABILITY_NAMED_IAM"],
)
cloudformation.get_waiter("stack_create_complete").wait(StackName="CDKToolkit", WaiterConfig={"Delay": 1})
