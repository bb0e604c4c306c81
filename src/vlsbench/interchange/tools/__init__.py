"""What other evaluators write, one file per tool: from a file to `Answers`; nothing of ours is known here.

Each reader says which of a tool's texts stand for a failed request, because tools write these where answers stand.
Which sample an answer belongs to is found out by `matching`.
"""
