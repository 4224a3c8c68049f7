"""What an agent hears, thinks and speaks with: models that all calls share, and a call's parts."""

import os

# onnxruntime, which runs the voice and the speech detector, looks up a host for telemetry and keeps
# an id under the user's cache, unless this is set before it is loaded. Nothing here does so sooner.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
