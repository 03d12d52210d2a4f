"""The agreement room: import, versions, search, citation, commitments.

In: an insurer's agreement or product sheet (docx, txt, md) and a question.
Out: clauses with stable references, hits with a verbatim passage, or nothing.
"""
