"""Which document a file is a version of: a kind never takes another kind's place."""

from __future__ import annotations

import argparse

from actions.agreement.clauses import ParsedDocument
from actions.agreement.errors import AgreementError
from actions.agreement.kinds import Judgement
from actions.agreement.shelf import SERVICE, Library
from actions.agreement.words import normalise


def product_code(library: Library, named: str) -> str:
    """The product an operator named by code, short word or any of its names.

    Raises:
        AgreementError: when it is none or the name fits several.
    """
    products = library.products()
    wanted = normalise(named)
    for product in products:
        names = (product.code, product.label, product.name, *product.aliases)
        if wanted in (normalise(name) for name in names):
            return product.code
    known = ", ".join(f"{product.code} ({product.label})" for product in products)
    raise AgreementError(f"no product {named}; there are {known}")


def document_of(
    args: argparse.Namespace,
    parsed: ParsedDocument,
    judged: Judgement,
    library: Library,
    warnings: list[str],
) -> str:
    """The document a file is a version of; a doubtful kind is refused.

    Raises:
        AgreementError: with how it was judged and which option says it.
    """
    named = args.document if args.document != SERVICE else None
    wanted = args.product or named
    kind = args.kind or ("product" if wanted else args.document and "service")
    if args.kind == "service" and wanted:
        raise AgreementError("--kind service and a product exclude each other")
    if kind is None and judged.kind == "doubtful":
        raise AgreementError(
            f"nothing was stored: the kind is doubtful: {judged.reason}; say what it is "
            "with --kind service or --kind product --product NAME"
        )
    clear = judged.kind != "doubtful"
    if args.kind is None and kind is not None and clear and kind != judged.kind:
        raise AgreementError(
            f"nothing was stored: it is judged a {judged.kind} text, not {kind}: "
            f"{judged.reason}; --kind {kind} says that it is one all the same"
        )
    if args.kind is not None and args.kind != judged.kind:
        warnings.append(
            f"taken as {args.kind} because --kind says so; judged {judged.kind}: "
            f"{judged.reason}"
        )
    if (kind or judged.kind) == "service":
        return SERVICE
    if wanted:
        return product_code(library, wanted)
    return _titled_product(parsed, judged, library)


def _titled_product(parsed: ParsedDocument, judged: Judgement, library: Library) -> str:
    """The product whose full name is the title; a likeness is not enough."""
    title = normalise(str(parsed.front_matter.get("name") or parsed.title))
    for product in library.products():
        if normalise(product.name) in title:
            return product.code
    known = ", ".join(product.label for product in library.products())
    raise AgreementError(
        f"nothing was stored: it is judged a product text ({judged.reason}) and takes no "
        "service agreement's place; name the product with --kind product --product NAME "
        f"({known}), or say --kind service"
    )
