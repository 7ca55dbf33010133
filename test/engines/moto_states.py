"""moto's server with state machines that run: it leaves out its evaluator of JSONata, and runs nothing unless told to."""

import sys

import jsonata
import moto.stepfunctions.parser.asl.jsonata.jsonata as evaluator
from moto.core.config import default_user_config
from moto.server import main

evaluator._eval_jsonata = lambda expression: jsonata.Jsonata(expression).evaluate(None)
default_user_config["stepfunctions"]["execute_state_machine"] = True
default_user_config["lambda"] = {"use_docker": False}
main(sys.argv[1:])
