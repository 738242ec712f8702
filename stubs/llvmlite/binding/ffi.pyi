from typing import Any

from . import ObjectRef as ObjectRef

lib: Any
