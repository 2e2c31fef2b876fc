"""The report: one HTML page of claims, figures and derived expressions; no script, no network."""

from hardlimit.report.page import write as write
