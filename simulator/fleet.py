"""Who owns the simulated devices, where they stand and what they are. All of it is invented."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

import numpy as np

from domain.device import DeviceKind


@dataclass(frozen=True, slots=True)
class Customer:
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Engineer:
    key: str
    name: str
    region: str


@dataclass(frozen=True, slots=True)
class Site:
    """`region_class` is one of `urban`, `suburban`, `other_city`; the names are keys."""

    key: str
    name: str
    customer: str
    engineer: str
    city: str
    region_class: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Device:
    key: str
    kind: DeviceKind
    site: str
    model: str
    firmware: str
    serial: str
    installed_on: date


@dataclass(frozen=True, slots=True)
class Fleet:
    customers: tuple[Customer, ...]
    engineers: tuple[Engineer, ...]
    sites: tuple[Site, ...]
    devices: tuple[Device, ...]


_CUSTOMERS = (
    Customer("lotus", "Lotus Markets"),
    Customer("golestan", "Golestan Stores"),
    Customer("harbour", "Harbour Logistics"),
    Customer("cedar", "Cedar Clinics"),
    Customer("redlantern", "Red Lantern Canteens"),
    Customer("parsian-rail", "Parsian Rail Stations"),
    Customer("northlight", "Northlight Schools"),
    Customer("jade", "Jade River Factories"),
)
_ENGINEERS = (
    Engineer("chen-wei", "Chen Wei", "East China"),
    Engineer("liu-yang", "Liu Yang", "South China"),
    Engineer("zhang-min", "Zhang Min", "North China"),
    Engineer("sara-ahmadi", "Sara Ahmadi", "Tehran"),
    Engineer("reza-karimi", "Reza Karimi", "Central Iran"),
    Engineer("ana-costa", "Ana Costa", "Abroad"),
)
_CHINA, _IRAN = "Asia/Shanghai", "Asia/Tehran"
_SITES = (
    Site("lotus-sh1", "Lotus Market, Nanjing Road", "lotus", "chen-wei", "Shanghai", "urban", _CHINA),
    Site("lotus-sh2", "Lotus Market, Pudong", "lotus", "chen-wei", "Shanghai", "urban", _CHINA),
    Site("lotus-hz", "Lotus Market, West Lake", "lotus", "chen-wei", "Hangzhou", "urban", _CHINA),
    Site("lotus-kunshan", "Lotus Market, Kunshan", "lotus", "chen-wei", "Kunshan", "suburban", _CHINA),
    Site("golestan-vanak", "Golestan, Vanak Square", "golestan", "sara-ahmadi", "Tehran", "urban", _IRAN),
    Site("golestan-karaj", "Golestan, Karaj", "golestan", "sara-ahmadi", "Karaj", "suburban", _IRAN),
    Site("golestan-isf", "Golestan, Chahar Bagh", "golestan", "reza-karimi", "Isfahan", "urban", _IRAN),
    Site("golestan-shz", "Golestan, Zand Street", "golestan", "reza-karimi", "Shiraz", "other_city", _IRAN),
    Site("harbour-ngb", "Harbour Warehouse, Ningbo", "harbour", "chen-wei", "Ningbo", "suburban", _CHINA),
    Site("harbour-can", "Harbour Warehouse, Nansha", "harbour", "liu-yang", "Guangzhou", "suburban", _CHINA),
    Site("harbour-lis", "Harbour Terminal, Lisbon", "harbour", "ana-costa", "Lisbon", "urban", "Europe/Lisbon"),
    Site("cedar-thr", "Cedar Clinic, Tajrish", "cedar", "sara-ahmadi", "Tehran", "urban", _IRAN),
    Site("cedar-mhd", "Cedar Clinic, Mashhad", "cedar", "reza-karimi", "Mashhad", "other_city", _IRAN),
    Site("cedar-dxb", "Cedar Clinic, Deira", "cedar", "ana-costa", "Dubai", "urban", "Asia/Dubai"),
    Site("redlantern-szx", "Red Lantern, Futian", "redlantern", "liu-yang", "Shenzhen", "urban", _CHINA),
    Site("redlantern-can", "Red Lantern, Tianhe", "redlantern", "liu-yang", "Guangzhou", "urban", _CHINA),
    Site("redlantern-dgm", "Red Lantern, Dongguan", "redlantern", "liu-yang", "Dongguan", "other_city", _CHINA),
    Site("rail-thr", "Tehran Central Station", "parsian-rail", "sara-ahmadi", "Tehran", "urban", _IRAN),
    Site("rail-qom", "Qom Station", "parsian-rail", "reza-karimi", "Qom", "other_city", _IRAN),
    Site("rail-tbz", "Tabriz Station", "parsian-rail", "reza-karimi", "Tabriz", "other_city", _IRAN),
    Site("north-pek", "Northlight School, Haidian", "northlight", "zhang-min", "Beijing", "urban", _CHINA),
    Site("north-tsn", "Northlight School, Tianjin", "northlight", "zhang-min", "Tianjin", "other_city", _CHINA),
    Site("jade-wuh", "Jade River Plant, Wuhan", "jade", "zhang-min", "Wuhan", "suburban", _CHINA),
    Site("jade-csx", "Jade River Plant, Changsha", "jade", "liu-yang", "Changsha", "other_city", _CHINA),
    Site("jade-han", "Jade River Plant, Hanoi", "jade", "ana-costa", "Hanoi", "other_city", "Asia/Ho_Chi_Minh"),
)  # fmt: skip
_MODELS: dict[DeviceKind, tuple[tuple[str, str], ...]] = {
    DeviceKind.CLOCK: (("SimClock K40", "Ver 6.60 Sep 27 2024"), ("SimClock F18", "Ver 6.70 Mar 3 2025")),
    DeviceKind.POS: (("SimPOS T2", "2.4.1"), ("SimPOS T3", "3.0.7")),
    DeviceKind.KIOSK: (("SimKiosk S1", "1.9.0"), ("SimKiosk S2 Plus", "2.2.3")),
}  # fmt: skip
_PREFIX = {DeviceKind.CLOCK: "SIMC", DeviceKind.POS: "SIMP", DeviceKind.KIOSK: "SIMK"}


def plan_fleet(clocks: int, terminals: int, today: date, seed: int = 1) -> Fleet:
    """The fleet of `clocks` attendance clocks and `terminals` terminals, half of them kiosks."""
    kiosks = terminals // 2
    counts = {
        DeviceKind.CLOCK: clocks,
        DeviceKind.POS: terminals - kiosks,
        DeviceKind.KIOSK: kiosks,
    }
    return plan_kinds(counts, today, seed)


def plan_kinds(counts: Mapping[DeviceKind, int], today: date, seed: int = 1) -> Fleet:
    """The fleet of so many devices of each kind. The same arguments give the same fleet.

    Every key starts with `SIM` and differs from seed to seed, and so do the devices' lives.
    """
    rng = np.random.default_rng(seed)
    devices = [
        device
        for kind, count in counts.items()
        for device in islice(_devices(kind, today, rng, "" if seed == 1 else f"{seed}-"), count)
    ]
    return Fleet(_CUSTOMERS, _ENGINEERS, _SITES, tuple(devices))


def _devices(
    kind: DeviceKind, today: date, rng: np.random.Generator, series: str
) -> Iterator[Device]:
    number = 0
    while True:
        number += 1
        model, firmware = _MODELS[kind][int(rng.integers(len(_MODELS[kind])))]
        key = f"{_PREFIX[kind]}{series}{number:05d}"
        yield Device(
            key=key,
            kind=kind,
            site=_SITES[(number * 7 + len(kind)) % len(_SITES)].key,
            model=model,
            firmware=firmware,
            serial=key,
            installed_on=today - timedelta(days=int(rng.integers(90, 1800))),
        )
