"""What was promised to whom: plans, calendars, contracts, warranties."""

from desk.contracts.book import PlanBook, shipped
from desk.contracts.contract import Contract, Contracts, Payer, Replacement, VoidReason, Warranty
from desk.contracts.reading import contract_of, contracts_of, contracts_of_tickets

__all__ = [
    "Contract",
    "Contracts",
    "Payer",
    "PlanBook",
    "Replacement",
    "VoidReason",
    "Warranty",
    "contract_of",
    "contracts_of",
    "contracts_of_tickets",
    "shipped",
]
