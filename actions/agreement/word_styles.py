"""Word's styles: the chain a style is based on, and what they hide.

In: the styles part, and runs and paragraphs of the document. Out: whether Word
shows them. Text that Word does not show is not part of what may be quoted.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
MAX_STYLE_DEPTH = 20
_OFF = ("0", "false", "off")
_GONE = (W + "del", W + "moveFrom")


def child_value(node: Element | None, name: str) -> str | None:
    """The `w:val` of a child element, None when there is no such child."""
    child = None if node is None else node.find(W + name)
    return None if child is None else child.get(W + "val")


def switch(node: Element | None, name: str) -> bool | None:
    """An on/off property: on without a value, None when it is not there."""
    child = None if node is None else node.find(W + name)
    return None if child is None else child.get(W + "val") not in _OFF


def style_id(paragraph: Element) -> str | None:
    """The style a paragraph names itself, None when it names none."""
    return child_value(paragraph.find(W + "pPr"), "pStyle")


class WordStyles:
    """The styles of one document.

    Args:
        root: root of word/styles.xml, None when absent.
    """

    def __init__(self, root: Element | None) -> None:
        nodes = [] if root is None else root.findall(W + "style")
        self._styles = {node.get(W + "styleId", ""): node for node in nodes}
        self._default = next(
            (
                key
                for key, node in self._styles.items()
                if node.get(W + "default") in ("1", "true", "on")
                and node.get(W + "type") == "paragraph"
            ),
            None,
        )
        path = f"{W}docDefaults/{W}rPrDefault/{W}rPr"
        self._defaults = None if root is None else root.find(path)

    def of(self, paragraph: Element) -> str | None:
        """The style of a paragraph; the document's usual one when it names none."""
        return style_id(paragraph) or self._default

    def name(self, style: str) -> str:
        """What Word calls a style, its identifier when it has no name."""
        return child_value(self._styles.get(style), "name") or style

    def chain(self, style: str | None) -> list[tuple[str, Element]]:
        """A style and those it is based on, nearest first; a circle is cut."""
        found: list[tuple[str, Element]] = []
        while style is not None and len(found) < MAX_STYLE_DEPTH:
            node = self._styles.get(style)
            if node is None:
                break
            found.append((style, node))
            style = child_value(node, "basedOn")
        return found

    def hides_run(self, run: Element, paragraph: Element) -> bool:
        """Tell whether the text of a run is hidden, by itself or by its styles."""
        own = run.find(W + "rPr")
        return self._vanishes(own, paragraph) or bool(
            self._nearest("specVanish", own, paragraph)
            or self._nearest("webHidden", own, paragraph)
        )

    def hides_mark(self, paragraph: Element) -> bool:
        """Tell whether the end of a paragraph is hidden: the next one joins it."""
        own = paragraph.find(f"{W}pPr/{W}rPr")
        special = self._nearest("specVanish", own, paragraph)
        return bool(special) or self._vanishes(own, paragraph)

    def _vanishes(self, own: Element | None, paragraph: Element) -> bool:
        """`w:vanish`: set directly, else the styles' values switch each other."""
        direct = switch(own, "vanish")
        if direct is not None:
            return direct
        if switch(self._defaults, "vanish"):
            return True
        by_run = self._in_chain("vanish", child_value(own, "rStyle"))
        by_paragraph = self._in_chain("vanish", self.of(paragraph))
        return bool(by_run) != bool(by_paragraph)

    def _nearest(
        self, name: str, own: Element | None, paragraph: Element
    ) -> bool | None:
        for value in (
            switch(own, name),
            self._in_chain(name, child_value(own, "rStyle")),
            self._in_chain(name, self.of(paragraph)),
        ):
            if value is not None:
                return value
        return switch(self._defaults, name)

    def _in_chain(self, name: str, style: str | None) -> bool | None:
        for _, node in self.chain(style):
            value = switch(node.find(W + "rPr"), name)
            if value is not None:
                return value
        return None


def is_mark_removed(paragraph: Element) -> bool:
    """Tell whether the end of a paragraph was deleted or moved away (tracked)."""
    own = paragraph.find(f"{W}pPr/{W}rPr")
    return own is not None and any(child.tag in _GONE for child in own)
