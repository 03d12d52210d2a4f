"""The insurer's own records: customers, policies, claims, complaints, requests.

In: plain values and the id of a verified customer. Out: the frozen values of `model`.
All SQL about a customer lives in this package.
"""
