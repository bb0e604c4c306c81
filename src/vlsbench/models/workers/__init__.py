"""Local models in several processes, on this machine or a cluster: a pool of Ray actors behind the model's own name.

The driver owns the run; a worker only answers. Servers that speak HTTP are for `api`, the engine itself for `local`.
"""
