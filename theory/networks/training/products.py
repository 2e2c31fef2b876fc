"""The product that trains a layer: BLAS adds it to the weights where they lie, without a gradient in between."""

# ruff: noqa: ARG001  (Numba reads an intrinsic's arguments from its signature)
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.np import linalg

from theory.networks.compiled import emitted

_CHAR, _SIZE = ir.IntType(8), ir.IntType(64)
_POINTER = _CHAR.as_pointer()
_BLAS: Any = linalg
_CODE: Any = cgutils


@emitted
def accumulate(
    typing_context: Any, adjoints: Any, features: Any, alpha: Any, beta: Any, target: Any
) -> Any:
    """Replace ``target`` (m, n) by ``beta`` target + ``alpha`` adjoints^T features, from (k, m) and (k, n).

    Contiguous arrays of one type, float64 or float32, that numbers alpha and beta are of too. With beta = 0 the old
    values are not read.
    """
    _BLAS.ensure_blas()
    element = target.dtype

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        left, right, result = (
            context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 1, 4)
        )
        k, m = _CODE.unpack_tuple(builder, left.shape)
        n = _CODE.unpack_tuple(builder, right.shape)[1]
        one, other = (
            builder.bitcast(_CODE.alloca_once_value(builder, arguments[i]), _POINTER)
            for i in (2, 3)
        )
        a, b, c = (builder.bitcast(array.data, _POINTER) for array in (right, left, result))
        kinds = [_CHAR] * 3 + [_SIZE] * 3 + [_POINTER] * 2 + [_SIZE, _POINTER, _SIZE, _POINTER]
        signature_of = ir.FunctionType(ir.IntType(32), [*kinds, _POINTER, _SIZE])
        function = _CODE.get_or_insert_function(builder.module, signature_of, "numba_xxgemm")
        kind, plain, turned = (
            ir.Constant(_CHAR, ord(letter)) for letter in (_BLAS.get_blas_kind(element), "n", "t")
        )
        # Column by column, as BLAS reads them, all three arrays are their transposes.
        given = (kind, plain, turned, n, m, k, one, a, n, b, m, other, c, n)
        _BLAS.check_blas_return(context, builder, builder.call(function, given))
        return context.get_dummy_value()

    return types.void(adjoints, features, element, element, target), build
