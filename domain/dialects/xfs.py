"""CEN XFS 3.20: printers (PTR), cash-in modules (CIM) and card readers (IDC).

Errors go by their number. A status is a field and its value, such as `fwPaper=1` (WFSPTRSTATUS,
WFSCIMSTATUS, WFSCIMCASHIN): the value alone says nothing.
"""

from __future__ import annotations

from domain.codes import Code
from domain.dialects.row import ANY, BILLS, CARDS, PRINTER, Row

_ANY = (
    ("fwDevice=0", "WFS_STAT_DEVONLINE", Code.RESTORED),
    ("fwDevice=1", "WFS_STAT_DEVOFFLINE", Code.PART_OFFLINE),
    ("fwDevice=2", "WFS_STAT_DEVPOWEROFF", Code.PART_OFFLINE),
    ("fwDevice=3", "WFS_STAT_DEVNODEVICE", Code.PART_MISSING),
    ("fwDevice=4", "WFS_STAT_DEVHWERROR", Code.FAILURE),
    ("fwDevice=5", "WFS_STAT_DEVUSERERROR", Code.USER_ERROR),
    ("fwDevice=6", "WFS_STAT_DEVBUSY", Code.BUSY),
    ("fwDevice=7", "WFS_STAT_DEVFRAUDATTEMPT", Code.CHEATED),
    ("fwDevice=8", "WFS_STAT_DEVPOTENTIALFRAUD", Code.CHEATED),
    ("wDevicePosition=0", "", Code.OK),
    ("wDevicePosition=1", "", Code.OUT_OF_PLACE),
)

_PRINTER = (
    ("fwPaper=0", "WFS_PTR_PAPERFULL", Code.PAPER_FULL),
    ("fwPaper=1", "WFS_PTR_PAPERLOW", Code.PAPER_LOW),
    ("fwPaper=2", "WFS_PTR_PAPEROUT", Code.PAPER_OUT),
    ("fwPaper=5", "WFS_PTR_PAPERJAMMED", Code.PAPER_JAM),
    ("fwToner=0", "WFS_PTR_TONERFULL", Code.INK_OK),
    ("fwToner=1", "WFS_PTR_TONERLOW", Code.INK_LOW),
    ("fwToner=2", "WFS_PTR_TONEROUT", Code.INK_OUT),
    ("fwInk=0", "WFS_PTR_INKFULL", Code.INK_OK),
    ("fwInk=1", "WFS_PTR_INKLOW", Code.INK_LOW),
    ("fwInk=2", "WFS_PTR_INKOUT", Code.INK_OUT),
    ("fwLamp=0", "WFS_PTR_LAMPOK", Code.OK),
    ("fwLamp=1", "WFS_PTR_LAMPFADING", Code.LAMP_FADING),
    ("fwLamp=2", "WFS_PTR_LAMPINOP", Code.LAMP_FAILURE),
    ("fwMedia=2", "WFS_PTR_MEDIAJAMMED", Code.MEDIA_JAM),
    ("wRetractBin=0", "WFS_PTR_RETRACTBINOK", Code.BIN_OK),
    ("wRetractBin=1", "WFS_PTR_RETRACTBINFULL", Code.BIN_FULL),
    ("wRetractBin=4", "WFS_PTR_RETRACTBINHIGH", Code.BIN_NEAR_FULL),
    ("wRetractBin=5", "WFS_PTR_RETRACTBINMISSING", Code.BIN_MISSING),
    ("-104", "WFS_ERR_PTR_FLUSHFAIL", Code.PART_ERROR),
    ("-113", "WFS_ERR_PTR_MEDIASKEWED", Code.MEDIA_JAM),
    ("-114", "WFS_ERR_PTR_RETRACTBINFULL", Code.BIN_FULL),
    ("-115", "WFS_ERR_PTR_STACKERFULL", Code.STACKER_FULL),
    ("-116", "WFS_ERR_PTR_PAGETURNFAIL", Code.PART_ERROR),
    ("-117", "WFS_ERR_PTR_MEDIATURNFAIL", Code.PART_ERROR),
    ("-118", "WFS_ERR_PTR_SHUTTERFAIL", Code.SHUTTER_JAM),
    ("-119", "WFS_ERR_PTR_MEDIAJAMMED", Code.MEDIA_JAM),
    ("-122", "WFS_ERR_PTR_PAPERJAMMED", Code.PAPER_JAM),
    ("-123", "WFS_ERR_PTR_PAPEROUT", Code.PAPER_OUT),
    ("-124", "WFS_ERR_PTR_INKOUT", Code.INK_OUT),
    ("-125", "WFS_ERR_PTR_TONEROUT", Code.INK_OUT),
    ("-126", "WFS_ERR_PTR_LAMPINOP", Code.LAMP_FAILURE),
    ("-131", "WFS_ERR_PTR_MEDIARETAINED", Code.MEDIA_RETAINED),
    ("-132", "WFS_ERR_PTR_BLACKMARK", Code.PART_ERROR),
    ("-135", "WFS_ERR_PTR_MEDIARETRACTED", Code.MEDIA_RETAINED),
)

_BILLS = (
    ("fwSafeDoor=2", "WFS_CIM_DOOROPEN", Code.DOOR_OPEN),
    ("fwSafeDoor=3", "WFS_CIM_DOORCLOSED", Code.DOOR_CLOSED),
    ("fwAcceptor=0", "WFS_CIM_ACCOK", Code.OK),
    ("fwAcceptor=1", "WFS_CIM_ACCCUSTATE", Code.PART_ERROR),
    ("fwAcceptor=2", "WFS_CIM_ACCCUSTOP", Code.FAILURE),
    ("fwIntermediateStacker=2", "WFS_CIM_ISFULL", Code.STACKER_FULL),
    ("fwBanknoteReader=0", "WFS_CIM_BNROK", Code.OK),
    ("fwBanknoteReader=1", "WFS_CIM_BNRINOP", Code.SENSOR_FAILURE),
    ("fwShutter=2", "WFS_CIM_SHTJAMMED", Code.SHUTTER_JAM),
    ("fwPositionStatus=4", "WFS_CIM_PSFOREIGNITEMS", Code.FOREIGN_ITEM),
    ("fwTransport=0", "WFS_CIM_TPOK", Code.OK),
    ("fwTransport=1", "WFS_CIM_TPINOP", Code.TRANSPORT_MOTOR),
    ("usStatus=0", "WFS_CIM_STATCUOK", Code.STACKER_OK),
    ("usStatus=1", "WFS_CIM_STATCUFULL", Code.STACKER_FULL),
    ("usStatus=2", "WFS_CIM_STATCUHIGH", Code.STACKER_NEAR_FULL),
    ("usStatus=3", "WFS_CIM_STATCULOW", Code.STACKER_OK),
    ("usStatus=4", "WFS_CIM_STATCUEMPTY", Code.STACKER_EMPTIED),
    ("usStatus=5", "WFS_CIM_STATCUINOP", Code.CASHBOX_NOT_READY),
    ("usStatus=6", "WFS_CIM_STATCUMISSING", Code.STACKER_OPEN),
    ("usStatus=9", "WFS_CIM_STATCUMANIP", Code.CHEATED),
    ("1301", "WFS_SRVE_CIM_SAFEDOOROPEN", Code.DOOR_OPEN),
    ("1302", "WFS_SRVE_CIM_SAFEDOORCLOSED", Code.DOOR_CLOSED),
    ("-1302", "WFS_ERR_CIM_CASHUNITERROR", Code.CASHBOX_NOT_READY),
    ("-1307", "WFS_ERR_CIM_TOOMANYITEMS", Code.BILL_REJECTED),
    ("-1310", "WFS_ERR_CIM_SAFEDOOROPEN", Code.DOOR_OPEN),
    ("-1312", "WFS_ERR_CIM_SHUTTERNOTOPEN", Code.SHUTTER_JAM),
    ("-1319", "WFS_ERR_CIM_SHUTTERNOTCLOSED", Code.SHUTTER_JAM),
    ("-1337", "WFS_ERR_CIM_FOREIGN_ITEMS_DETECTED", Code.FOREIGN_ITEM),
    ("-1338", "WFS_ERR_CIM_LOADFAILED", Code.FIRMWARE_FAILURE),
    ("-1344", "WFS_ERR_CIM_DEVICELOCKFAILURE", Code.PART_ERROR),
)

_CARDS = (
    ("-200", "WFS_ERR_IDC_MEDIAJAM", Code.MEDIA_JAM),
    ("-202", "WFS_ERR_IDC_MEDIARETAINED", Code.MEDIA_RETAINED),
    ("-203", "WFS_ERR_IDC_RETAINBINFULL", Code.BIN_FULL),
    ("-204", "WFS_ERR_IDC_INVALIDDATA", Code.READ_FAILED),
    ("-205", "WFS_ERR_IDC_INVALIDMEDIA", Code.READ_FAILED),
    ("-209", "WFS_ERR_IDC_SHUTTERFAIL", Code.SHUTTER_JAM),
    ("-210", "WFS_ERR_IDC_SECURITYFAIL", Code.FAILURE),
    ("-212", "WFS_ERR_IDC_ATRNOTOBTAINED", Code.READ_FAILED),
)

ROWS: tuple[Row, ...] = tuple(
    Row(raw, symbol, code, component)
    for component, rows in ((ANY, _ANY), (PRINTER, _PRINTER), (BILLS, _BILLS), (CARDS, _CARDS))
    for raw, symbol, code in rows
)
