"""The statistics that UnifiedPOS names: which part each counts for, and the few that go up and down."""

from __future__ import annotations

from collections.abc import Mapping

_BY_COMPONENT: Mapping[str, tuple[str, ...]] = {
    "device": ("HoursPoweredCount", "CommunicationErrorCount"),
    "receiptPrinter": (
        "BarcodePrintedCount",
        "FormInsertionCount",
        "HomeErrorCount",
        "JournalCharacterPrintedCount",
        "JournalLinePrintedCount",
        "MaximumTempReachedCount",
        "NVRAMWriteCount",
        "PaperCutCount",
        "FailedPaperCutCount",
        "PrinterFaultCount",
        "PrintSideChangeCount",
        "FailedPrintSideChangeCount",
        "ReceiptCharacterPrintedCount",
        "ReceiptCoverOpenCount",
        "ReceiptLineFeedCount",
        "ReceiptLinePrintedCount",
        "SlipCharacterPrintedCount",
        "SlipCoverOpenCount",
        "SlipLineFeedCount",
        "SlipLinePrintedCount",
        "StampFiredCount",
    ),
    "cashDrawer": ("DrawerGoodOpenCount", "DrawerFailedOpenCount"),
    "barcodeScanner": ("GoodScanCount",),
    "cardReader": (
        "GoodReadCount",
        "FailedReadCount",
        "NoReadCount",
        "SessionCount",
        "UnreadableCardCount",
        "FailedDataParseCount",
        "GoodWriteCount",
        "FailedWriteCount",
        "MissingStartSentinelTrack1Count",
        "ParityLRCErrorTrack1Count",
        "MissingStartSentinelTrack2Count",
        "ParityLRCErrorTrack2Count",
        "MissingStartSentinelTrack3Count",
        "ParityLRCErrorTrack3Count",
        "MissingStartSentinelTrack4Count",
        "ParityLRCErrorTrack4Count",
        "GoodCardAuthenticationDataCount",
        "FailedCardAuthenticationDataCount",
        "ChallengeRequestCount",
        "GoodDeviceAuthenticationCount",
        "FailedDeviceAuthenticationCount",
        "TagReadCount",
        "GoodTagWriteCount",
        "FailedTagWriteCount",
        "GoodTagLockCount",
        "FailedTagLockCount",
        "GoodTagDisableCount",
        "FailedTagDisableCount",
    ),
    "": (  # of parts that Forecall has no name for: they stand for the whole device
        "SuccessfulMatchCount",
        "UnsuccessfulMatchCount",
        "AverageFAR",
        "AverageFRR",
        "BumpCount",
        "ChecksScannedCount",
        "WriteCount",
        "EraseCount",
        "MediumRemovedCount",
        "MediumSize",
        "MediumFreeSpace",
        "LockPositionChangeCount",
        "OnlineTransitionCount",
        "MotionEventCount",
        "ValidPINEntryCount",
        "InvalidPINEntryCount",
        "KeyPressedCount",
        "GoodWeightReadCount",
        "GoodSignatureReadCount",
        "FailedSignatureReadCount",
        "ToneSoundedCount",
    ),
}

STATISTICS: Mapping[str, str] = {
    name: component or "device" for component, names in _BY_COMPONENT.items() for name in names
}
"""Statistic -> component."""

GAUGES = frozenset({"AverageFAR", "AverageFRR", "MediumSize", "MediumFreeSpace"})
"""The statistics that are no counters."""
