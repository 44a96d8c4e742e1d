"""A server whose timing is known: what the harness is checked against.

`python -m vgate.harness.golden --ttft-ms 50 --itl-ms 10` answers /v1/chat/completions with as many tokens as
max_tokens asks for, each at its due time, independent of load unless it is given few places. No model, no batching.
"""
