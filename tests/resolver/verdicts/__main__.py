"""Asks GS1's own engine about the generated texts and keeps its verdicts.

    python -m tests.resolver.verdicts path/to/libgs1encoders.so commit-of-the-engine

The engine is the GS1 Barcode Syntax Engine (github.com/gs1/gs1-syntax-engine, ``make lib`` in
``src/c-lib``), written in C and independent of this project. Only its verdicts are kept.
"""

import ctypes
import json
import sys
from collections.abc import Callable

from tests.resolver.generated_uris import generate
from tests.resolver.verdicts import COUNT, FILE, REFUSED, SEED, digest, digest_of_all

# The engine's numbers for "QR code" and for the rule that is not about the code's form: which
# other data must stand on the same item.
_QR_CODE = 12
_REQUISITE_DATA = 1


def main() -> None:
    """Write the file of verdicts."""
    library, commit = sys.argv[1:]
    ask = _engine(library)
    uris = list(generate(SEED, COUNT))
    kept = {
        "engine": f"GS1 Barcode Syntax Engine, {commit}",
        "seed": SEED,
        "uris": digest_of_all(uris),
        "verdicts": "".join(ask(uri) for uri in uris),
    }
    FILE.write_text(json.dumps(kept, indent=1) + "\n")
    refused = sum(ask(uri) == REFUSED for uri in uris)
    sys.stdout.write(f"{COUNT} verdicts, {refused} of them refusals\n")


def _engine(path: str) -> Callable[[str], str]:
    library = ctypes.CDLL(path)
    library.gs1_encoder_init.restype = ctypes.c_void_p
    library.gs1_encoder_setDataStr.restype = ctypes.c_bool
    library.gs1_encoder_getAIdataStr.restype = ctypes.c_char_p
    engine = ctypes.c_void_p(library.gs1_encoder_init(None))
    library.gs1_encoder_setSym(engine, _QR_CODE)
    library.gs1_encoder_setValidationEnabled(engine, _REQUISITE_DATA, ctypes.c_bool(False))

    def ask(uri: str) -> str:
        if not library.gs1_encoder_setDataStr(engine, uri.encode()):
            return REFUSED
        # Text that is no Digital Link at all is taken for plain data.
        read = library.gs1_encoder_getAIdataStr(engine)
        return digest(read.decode()) if read else REFUSED

    return ask


main()
