"""Training of the shipped models. Not installed with the worker; needs torch, jieba and espeak-ng."""
