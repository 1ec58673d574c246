RUNTIMES = ("auto", "onnx", "keras")
"""What may compute the answers of a model; ``auto`` is onnxruntime, if it is installed and the folder has ONNX files.
"""
