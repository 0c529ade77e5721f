"""XFS4IoT: a status is a property and its value, such as `paper=jammed`; an error goes by its name.

Values as in the standard's Common, Printer, CashAcceptor, CashManagement and Storage interfaces.
"""

from __future__ import annotations

from domain.codes import Code
from domain.dialects.row import ANY, BILLS, PRINTER, Row

_ANY = (
    ("device=online", Code.RESTORED),
    ("device=offline", Code.PART_OFFLINE),
    ("device=powerOff", Code.PART_OFFLINE),
    ("device=noDevice", Code.PART_MISSING),
    ("device=hardwareError", Code.FAILURE),
    ("device=userError", Code.USER_ERROR),
    ("device=deviceBusy", Code.BUSY),
    ("device=fraudAttempt", Code.CHEATED),
    ("device=potentialFraud", Code.CHEATED),
    ("device=starting", Code.STARTED),
    ("devicePosition=inPosition", Code.OK),
    ("devicePosition=notInPosition", Code.OUT_OF_PLACE),
    ("antiFraudModule=ok", Code.OK),
    ("antiFraudModule=inoperable", Code.SENSOR_FAILURE),
    ("antiFraudModule=deviceDetected", Code.CHEATED),
)

_PRINTER = (
    ("paper=full", Code.PAPER_FULL),
    ("paper=low", Code.PAPER_LOW),
    ("paper=out", Code.PAPER_OUT),
    ("paper=jammed", Code.PAPER_JAM),
    ("toner=full", Code.INK_OK),
    ("toner=low", Code.INK_LOW),
    ("toner=out", Code.INK_OUT),
    ("ink=full", Code.INK_OK),
    ("ink=low", Code.INK_LOW),
    ("ink=out", Code.INK_OUT),
    ("lamp=ok", Code.OK),
    ("lamp=fading", Code.LAMP_FADING),
    ("lamp=inop", Code.LAMP_FAILURE),
    ("media=jammed", Code.MEDIA_JAM),
    ("media=retracted", Code.MEDIA_RETAINED),
    ("retractBin=ok", Code.BIN_OK),
    ("retractBin=high", Code.BIN_NEAR_FULL),
    ("retractBin=full", Code.BIN_FULL),
    ("shutterFail", Code.SHUTTER_JAM),
    ("mediaJammed", Code.MEDIA_JAM),
    ("paperJammed", Code.PAPER_JAM),
    ("paperOut", Code.PAPER_OUT),
    ("tonerOut", Code.INK_OUT),
    ("mediaRetained", Code.MEDIA_RETAINED),
    ("blackMark", Code.PART_ERROR),
    ("mediaRetracted", Code.MEDIA_RETAINED),
)

_BILLS = (
    ("acceptor=ok", Code.OK),
    ("acceptor=attention", Code.PART_ERROR),
    ("acceptor=stop", Code.FAILURE),
    ("banknoteReader=ok", Code.OK),
    ("banknoteReader=inoperable", Code.SENSOR_FAILURE),
    ("intermediateStacker=full", Code.STACKER_FULL),
    ("transport=ok", Code.OK),
    ("transport=inoperative", Code.TRANSPORT_MOTOR),
    ("shutter=jammed", Code.SHUTTER_JAM),
    ("shutter=jammedOpen", Code.SHUTTER_JAM),
    ("shutter=jammedPartiallyOpen", Code.SHUTTER_JAM),
    ("shutter=jammedClosed", Code.SHUTTER_JAM),
    ("shutter=jammedUnknown", Code.SHUTTER_JAM),
    ("positionStatus=foreignItems", Code.FOREIGN_ITEM),
    ("storage=ok", Code.STACKER_CLOSED),
    ("storage=inoperative", Code.CASHBOX_NOT_READY),
    ("storage=missing", Code.STACKER_OPEN),
    ("storage=notConfigured", Code.CASHBOX_NOT_READY),
    ("storage=manipulated", Code.CHEATED),
    ("replenishment=ok", Code.STACKER_OK),
    ("replenishment=full", Code.STACKER_FULL),
    ("replenishment=high", Code.STACKER_NEAR_FULL),
    ("replenishment=low", Code.STACKER_OK),
    ("replenishment=empty", Code.STACKER_EMPTIED),
    ("cashUnitError", Code.CASHBOX_NOT_READY),
    ("tooManyItems", Code.BILL_REJECTED),
    ("shutterNotClosed", Code.SHUTTER_JAM),
    ("shutterNotOpen", Code.SHUTTER_JAM),
    ("safeDoorOpen", Code.DOOR_OPEN),
    ("foreignItemsDetected", Code.FOREIGN_ITEM),
    ("cashInUnitFull", Code.STACKER_FULL),
    ("stackerFull", Code.STACKER_FULL),
    ("invalidBill", Code.BILL_REJECTED),
    ("invalidBunch", Code.BILL_REJECTED),
    ("counterfeit", Code.BILL_REJECTED),
    ("depositFailure", Code.FAILURE),
    ("commonInputComponentFailure", Code.FAILURE),
    ("feedModuleProblem", Code.FAILURE),
    ("doubleNote", Code.BILL_REJECTED),
    ("longNote", Code.BILL_REJECTED),
    ("shortNote", Code.BILL_REJECTED),
    ("skewedNote", Code.BILL_REJECTED),
    ("notesTooClose", Code.BILL_REJECTED),
    ("otherNoteError", Code.BILL_REJECTED),
)

ROWS: tuple[Row, ...] = tuple(
    Row(raw, "", code, component)
    for component, rows in ((ANY, _ANY), (PRINTER, _PRINTER), (BILLS, _BILLS))
    for raw, code in rows
)
