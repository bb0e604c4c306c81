"""What is on disk: run folders, their journals and manifests; a reader lives beside its writer.

What records mean for a figure is for `results`.
"""
