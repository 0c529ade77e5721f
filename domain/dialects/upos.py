"""UnifiedPOS: status update events and extended error codes of printers, acceptors, drawers and readers.

Numbers are those of the JavaPOS constants (StatusUpdateEvent, ResultCodeExtended). A number alone means
different things for a printer and for an acceptor, so it needs the component; a name does not.
"""

from __future__ import annotations

from domain.codes import Code
from domain.dialects.row import ANY, BILLS, CARDS, COINS, DRAWER, PRINTER, Row

_POWER = (
    ("2001", "JPOS_SUE_POWER_ONLINE", Code.RESTORED),
    ("2002", "JPOS_SUE_POWER_OFF", Code.PART_OFFLINE),
    ("2003", "JPOS_SUE_POWER_OFFLINE", Code.PART_OFFLINE),
    ("2004", "JPOS_SUE_POWER_OFF_OFFLINE", Code.PART_OFFLINE),
    ("2100", "JPOS_SUE_UF_PROGRESS", Code.BUSY),
    ("2200", "JPOS_SUE_UF_COMPLETE", Code.RESTORED),
    ("2201", "JPOS_SUE_UF_FAILED_DEV_OK", Code.PART_ERROR),
    ("2202", "JPOS_SUE_UF_FAILED_DEV_UNRECOVERABLE", Code.FIRMWARE_FAILURE),
    ("2203", "JPOS_SUE_UF_FAILED_DEV_NEEDS_FIRMWARE", Code.FIRMWARE_FAILURE),
    ("2204", "JPOS_SUE_UF_FAILED_DEV_UNKNOWN", Code.FIRMWARE_FAILURE),
    ("2205", "JPOS_SUE_UF_COMPLETE_DEV_NOT_RESTORED", Code.PART_ERROR),
    ("107", "JPOS_E_NOHARDWARE", Code.PART_MISSING),
    ("108", "JPOS_E_OFFLINE", Code.PART_OFFLINE),
    ("111", "JPOS_E_FAILURE", Code.FAILURE),
    ("112", "JPOS_E_TIMEOUT", Code.COMM_ERROR),
)

_PRINTER = (
    ("11", "PTR_SUE_COVER_OPEN", Code.COVER_OPEN),
    ("12", "PTR_SUE_COVER_OK", Code.COVER_CLOSED),
    ("21", "PTR_SUE_JRN_EMPTY", Code.PAPER_OUT),
    ("22", "PTR_SUE_JRN_NEAREMPTY", Code.PAPER_LOW),
    ("23", "PTR_SUE_JRN_PAPEROK", Code.PAPER_OK),
    ("24", "PTR_SUE_REC_EMPTY", Code.PAPER_OUT),
    ("25", "PTR_SUE_REC_NEAREMPTY", Code.PAPER_LOW),
    ("26", "PTR_SUE_REC_PAPEROK", Code.PAPER_OK),
    ("27", "PTR_SUE_SLP_EMPTY", Code.PAPER_OUT),
    ("28", "PTR_SUE_SLP_NEAREMPTY", Code.PAPER_LOW),
    ("29", "PTR_SUE_SLP_PAPEROK", Code.PAPER_OK),
    ("41", "PTR_SUE_JRN_CARTRIDGE_EMPTY", Code.INK_OUT),
    ("42", "PTR_SUE_JRN_CARTRIDGE_NEAREMPTY", Code.INK_LOW),
    ("43", "PTR_SUE_JRN_HEAD_CLEANING", Code.HEAD_DIRTY),
    ("44", "PTR_SUE_JRN_CARTRIDGE_OK", Code.INK_OK),
    ("45", "PTR_SUE_REC_CARTRIDGE_EMPTY", Code.INK_OUT),
    ("46", "PTR_SUE_REC_CARTRIDGE_NEAREMPTY", Code.INK_LOW),
    ("47", "PTR_SUE_REC_HEAD_CLEANING", Code.HEAD_DIRTY),
    ("48", "PTR_SUE_REC_CARTRIDGE_OK", Code.INK_OK),
    ("49", "PTR_SUE_SLP_CARTRIDGE_EMPTY", Code.INK_OUT),
    ("50", "PTR_SUE_SLP_CARTRIDGE_NEAREMPTY", Code.INK_LOW),
    ("51", "PTR_SUE_SLP_HEAD_CLEANING", Code.HEAD_DIRTY),
    ("52", "PTR_SUE_SLP_CARTRIDGE_OK", Code.INK_OK),
    ("60", "PTR_SUE_JRN_COVER_OPEN", Code.COVER_OPEN),
    ("61", "PTR_SUE_JRN_COVER_OK", Code.COVER_CLOSED),
    ("62", "PTR_SUE_REC_COVER_OPEN", Code.COVER_OPEN),
    ("63", "PTR_SUE_REC_COVER_OK", Code.COVER_CLOSED),
    ("64", "PTR_SUE_SLP_COVER_OPEN", Code.COVER_OPEN),
    ("65", "PTR_SUE_SLP_COVER_OK", Code.COVER_CLOSED),
    ("1001", "PTR_SUE_IDLE", Code.IDLE),
    ("201", "JPOS_EPTR_COVER_OPEN", Code.COVER_OPEN),
    ("202", "JPOS_EPTR_JRN_EMPTY", Code.PAPER_OUT),
    ("203", "JPOS_EPTR_REC_EMPTY", Code.PAPER_OUT),
    ("204", "JPOS_EPTR_SLP_EMPTY", Code.PAPER_OUT),
    ("208", "JPOS_EPTR_JRN_CARTRIDGE_REMOVED", Code.CARTRIDGE_REMOVED),
    ("209", "JPOS_EPTR_JRN_CARTRIDGE_EMPTY", Code.INK_OUT),
    ("210", "JPOS_EPTR_JRN_HEAD_CLEANING", Code.HEAD_DIRTY),
    ("211", "JPOS_EPTR_REC_CARTRIDGE_REMOVED", Code.CARTRIDGE_REMOVED),
    ("212", "JPOS_EPTR_REC_CARTRIDGE_EMPTY", Code.INK_OUT),
    ("213", "JPOS_EPTR_REC_HEAD_CLEANING", Code.HEAD_DIRTY),
    ("214", "JPOS_EPTR_SLP_CARTRIDGE_REMOVED", Code.CARTRIDGE_REMOVED),
    ("215", "JPOS_EPTR_SLP_CARTRIDGE_EMPTY", Code.INK_OUT),
    ("216", "JPOS_EPTR_SLP_HEAD_CLEANING", Code.HEAD_DIRTY),
)

_BILLS = (
    ("0", "BACC_STATUS_OK", Code.OK),
    ("5", "BACC_STATUS_DEPOSIT_JAM", Code.JAM_ACCEPTOR),
    ("21", "BACC_STATUS_FULL", Code.STACKER_FULL),
    ("22", "BACC_STATUS_NEARFULL", Code.STACKER_NEAR_FULL),
    ("23", "BACC_STATUS_FULLOK", Code.STACKER_OK),
    ("31", "BACC_STATUS_JAM", Code.JAM_ACCEPTOR),
    ("32", "BACC_STATUS_JAMOK", Code.JAM_OK),
)

_COINS = (
    ("0", "CACC_STATUS_OK", Code.OK),
    ("5", "CACC_STATUS_DEPOSIT_JAM", Code.JAM_COIN),
    ("21", "CACC_STATUS_FULL", Code.STACKER_FULL),
    ("22", "CACC_STATUS_NEARFULL", Code.STACKER_NEAR_FULL),
    ("23", "CACC_STATUS_FULLOK", Code.STACKER_OK),
    ("31", "CACC_STATUS_JAM", Code.JAM_COIN),
    ("32", "CACC_STATUS_JAMOK", Code.JAM_OK),
)

_DRAWER = (
    ("0", "CASH_SUE_DRAWERCLOSED", Code.DRAWER_CLOSED),
    ("1", "CASH_SUE_DRAWEROPEN", Code.DRAWER_OPEN),
)

_CARDS = (
    ("201", "JPOS_EMSR_START", Code.READ_FAILED),
    ("202", "JPOS_EMSR_END", Code.READ_FAILED),
    ("203", "JPOS_EMSR_PARITY", Code.READ_FAILED),
    ("204", "JPOS_EMSR_LRC", Code.READ_FAILED),
)

ROWS: tuple[Row, ...] = tuple(
    Row(raw, symbol, code, component)
    for component, rows in (
        (ANY, _POWER),
        (PRINTER, _PRINTER),
        (BILLS, _BILLS),
        (COINS, _COINS),
        (DRAWER, _DRAWER),
        (CARDS, _CARDS),
    )
    for raw, symbol, code in rows
)
