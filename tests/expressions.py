#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Prints what is asked of Prometheus, one expression a line, after a title and a tab.

Usage: expressions.py FILE...
FILE is the Grafana board (.json), with its variables filled in, or a file of rules (.yml): the expression of
each recording rule; and as an alert has no data while all is well, each metric that the alert looks at.
"""
import json, re, sys

VARIABLES = (("$instance", ".*"), ("$device", ".*"), ("$__rate_interval", "5m"), ("$__range", "1h"))


def of_board(path):
    for panel in json.load(open(path))["panels"]:
        for target in panel["targets"]:
            expression = target["expr"]
            for variable, value in VARIABLES:
                expression = expression.replace(variable, value)
            yield panel["title"], expression


def of_rules(path):
    rules = re.findall(r"- (record|alert): (\S+)\n\s+expr: (?:>\n)?((?:.+\n)+?)(?=\n|\s+- |\s+(?:for|labels):)",
                       open(path).read())
    for kind, name, expression in rules:
        expression = " ".join(expression.split())
        if kind == "record":
            yield name, expression
            continue
        for metric in sorted(set(re.findall(r"\b(?:instance_device_queue:)?vringtop_\S*?(?=[\[{\s)]|$)|\bup\b", expression))):
            yield f"{name}: {metric}", metric


for path in sys.argv[1:]:
    for title, expression in of_board(path) if path.endswith(".json") else of_rules(path):
        print(title, expression, sep="\t")
