"""What every room stands on: errors, types, pictures, the Keras backend, the configuration.

It imports no other room. Import its modules one by one: only `backend` needs Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["backend", "config", "errors", "images", "types"]
)
