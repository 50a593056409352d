"""Open311 GeoReport v2 in front of a real mesh, asked by a client that somebody else wrote (georeport, from PyPI).

That client reads; requests are posted with plain forms, as the specification's example has them.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests
from georeport import GeoReport

from services.core.policy import Policy
from services.intake.gateway.access import Access, Principal
from services.intake.gateway.credentials import issue, token_key
from services.runtime import wall
from services.runtime.mesh import Mesh
from services.runtime.vault import open_vault
from tests.mesh.caller import with_token

pytestmark = pytest.mark.broker
WORDS, PHONE, STREET = "路边的旧沙发挡住了路口", "13800138311", "保和镇示例路 311 号"
FORM = {
    "service_code": "bulky-waste", "lat": "27.1775", "long": "99.2857", "address_string": STREET,
    "attribute[area]": "533423100", "attribute[kind]": "help", "description": WORDS, "phone": PHONE,
    "first_name": "示例", "last_name": "余", "email": "nobody@example.org", "device_id": "tt222111",
    "media_url": "http://example.org/1.jpg",
}  # fmt: skip


def key(mesh: Mesh, access: Access = Access.APP, identity: str = "city-app") -> str:
    ticket = "T-nobody" if access is Access.CITIZEN else None
    signing = token_key(mesh.settings.master_key)
    return issue(Principal(access, identity, ticket), signing, wall.now(), timedelta(hours=1), "open311-test")


def post(mesh: Mesh, form: Any, form_type: str = "json", **headers: str) -> requests.Response:
    more = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"} if isinstance(form, bytes) else {}
    return requests.post(f"{mesh.url}/open311/v2/requests.{form_type}", form, headers=more | headers, timeout=30)


def errors(answer: requests.Response) -> list[dict[str, str]]:
    """Read an error as the specification has it, in either format."""
    if answer.url.partition("?")[0].endswith(".json"):
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        found = [{name: str(value) for name, value in error.items()} for error in answer.json()]
    else:
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
        root = ET.fromstring(answer.content)  # noqa: S314 - our own answer
        assert root.tag == "errors"
        found = [{part.tag: part.text or "" for part in error} for error in root]
    assert found
    assert all(set(error) == {"code", "description"} for error in found)
    return found


@pytest.fixture(scope="module", params=["json", "xml"])
def client(shared_mesh: Mesh, request: pytest.FixtureRequest) -> GeoReport:
    return GeoReport(f"{shared_mesh.url}/open311/v2", jurisdiction="weixi", output_format=request.param)


@pytest.fixture(scope="module")
def posted(shared_mesh: Mesh) -> str:
    answer = post(shared_mesh, FORM | {"api_key": key(shared_mesh)})
    assert answer.status_code == 200, answer.text
    assert [set(item) for item in answer.json()] == [{"service_request_id", "service_notice", "account_id"}]
    token: str = answer.json()[0]["service_request_id"]
    dispatched(shared_mesh, token)
    return token


def dispatched(mesh: Mesh, token: str) -> dict[str, Any]:
    for _ in range(600):
        answer = requests.get(f"{mesh.url}/open311/v2/requests/{token}.json", timeout=30)
        if answer.status_code == 200 and (answer.json()[0]["agency_responsible"] or answer.json()[0]["status_notes"]):
            return dict(answer.json()[0])
        time.sleep(0.1)
    raise AssertionError("the ticket did not appear")


def test_the_services_are_what_the_county_takes_and_no_emergency(client: GeoReport, policy: Policy) -> None:
    found = {service["service_code"]: service for service in client.get_service_list()}
    taken = {category.code for category in policy.directory.categories if category.lane == "accept"}
    assert set(found) == taken
    assert found["bulky-waste"]["service_name"] == "大件垃圾清运"
    assert found["bulky-waste"]["type"] == "realtime"
    assert str(found["bulky-waste"]["metadata"]).lower() == "true"
    assert found["graffiti"]["group"] is None


def test_a_service_says_what_it_needs_to_know(client: GeoReport, policy: Policy) -> None:
    found = client.get_service_definition("street-light")
    attributes = found["attributes"] if client.output_format == "json" else found["attributes"]["attribute"]
    assert found["service_code"] == "street-light"
    assert [(a["code"], str(a["required"]).lower(), a["datatype"]) for a in attributes] == [
        ("area", "true", "singlevaluelist"), ("kind", "false", "singlevaluelist"),
    ]  # fmt: skip
    values = attributes[0]["values"] if client.output_format == "json" else attributes[0]["values"]["value"]
    assert {value["key"] for value in values} == {area.code for area in policy.directory.areas}


def test_a_request_is_tracked_until_its_case_clock_and_nothing_personal_comes_back(
    client: GeoReport, posted: str, shared_mesh: Mesh
) -> None:
    found = client.get_service_request(posted)
    assert (found["service_request_id"], found["service_code"], found["service_name"]) == (
        posted, "bulky-waste", "大件垃圾清运",
    )  # fmt: skip
    assert (found["status"], found["address_id"], found["address"]) == ("open", "533423100", "保和镇")
    assert {found[name] for name in ("description", "lat", "long", "zipcode", "media_url", "service_notice")} == {None}
    office = with_token(shared_mesh.url, shared_mesh.settings, Access.OFFICE)
    facts = [entry["data"] for entry in office.get(f"/v1/tickets/{posted}/timeline").json()["entries"]]
    case = [clock["due_at"] for fact in facts for clock in fact["started"] if clock["kind"] == "case"]
    assert found["expected_datetime"] == (case[-1] if case else None)
    assert found["requested_datetime"].endswith("Z")
    if case:
        assert found["agency_responsible"] == "县环境卫生管理站"
    for form_type in ("json", "xml"):
        for path in (f"requests/{posted}", "requests", f"tokens/{posted}"):
            text = requests.get(f"{shared_mesh.url}/open311/v2/{path}.{form_type}", timeout=30).text
            assert posted in text
            assert not [secret for secret in (WORDS, PHONE, STREET, "27.1775", "99.2857", "示例") if secret in text]


def test_where_and_who_lies_in_the_vault(posted: str, shared_mesh: Mesh) -> None:
    vault = open_vault(shared_mesh.settings)
    (submission,) = [json.loads(item.plain) for item in vault.items(posted) if item.kind == "submission"]
    vault.close()
    assert submission["place"] == {"address": STREET, "lat": 27.1775, "long": 99.2857}
    assert submission["reporter"]["name"] == "余示例"
    assert (submission["reporter"]["phone"], submission["reporter"]["email"]) == (PHONE, "nobody@example.org")
    assert submission["content"] == f"{WORDS}\nhttp://example.org/1.jpg"
    assert "tt222111" not in json.dumps(submission), "a device's number is not needed, so it is not kept"


def test_the_same_form_is_the_same_request_and_another_client_or_form_is_not(posted: str, shared_mesh: Mesh) -> None:
    api_key = key(shared_mesh)
    again = post(shared_mesh, FORM | {"api_key": api_key, "account_id": ""}, "xml")
    root = ET.fromstring(again.content)  # noqa: S314 - our own answer
    assert [(request.tag, request[0].text) for request in root] == [("request", posted)]
    assert root.tag == "service_requests"
    by_header = post(shared_mesh, FORM, authorization=f"Bearer {api_key}").json()
    others = [
        post(shared_mesh, FORM | {"api_key": key(shared_mesh, identity="other-app")}).json(),
        post(shared_mesh, FORM | {"api_key": api_key, "description": "另一件事"}).json(),
    ]
    assert by_header[0]["service_request_id"] == posted
    assert len({posted, *(other[0]["service_request_id"] for other in others)}) == 3


def test_requests_are_found_by_id_code_day_and_status(client: GeoReport, posted: str) -> None:
    def ids(**asked: str) -> set[str]:
        try:
            found: Any = client.get_service_requests(**asked)
        except TypeError:
            return set()  # this client cannot read an empty list in XML
        return {item["service_request_id"] for item in ([found] if isinstance(found, dict) else found)}

    now = datetime.now(UTC)  # noqa: TID251 - a test against the wall clock of real processes
    days = [f"{now + timedelta(days=n):%Y-%m-%dT%H:%M:%SZ}" for n in (-80, -1, 1)]
    assert ids(service_request_id=f"{posted},T-unknown") == {posted}
    assert ids(service_request_id=posted, status="closed") == {posted}, "ids override all other arguments"
    assert posted in ids()
    assert posted in ids(service_code="street-light,bulky-waste", status="open,closed")
    assert posted not in ids(service_code="street-light")
    assert posted in ids(start_date=days[1], end_date=days[2], status="open")
    assert posted not in ids(start_date=days[0], end_date=days[1])
    assert posted not in ids(status="closed")


def test_what_did_not_come_by_open311_is_not_shown(shared_mesh: Mesh, posted: str) -> None:
    listed = requests.get(f"{shared_mesh.url}/open311/v2/requests.json", timeout=30).json()
    office = with_token(shared_mesh.url, shared_mesh.settings, Access.OFFICE)
    platforms = {office.get(f"/v1/tickets/{item['service_request_id']}").json()["platform"] for item in listed}
    assert {platform.partition(":")[0] for platform in platforms} == {"open311"}


def test_discovery_names_the_endpoint_and_its_formats(shared_mesh: Mesh) -> None:
    found = requests.get(f"{shared_mesh.url}/open311/discovery.json", timeout=30).json()
    assert set(found) == {"changeset", "contact", "key_service", "endpoints"}
    (endpoint,) = found["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert GeoReport(endpoint["url"]).get_service_list()
    root = ET.fromstring(  # noqa: S314 - our own answer
        requests.get(f"{shared_mesh.url}/open311/discovery.xml", timeout=30).content
    )
    assert [part.tag for part in root] == ["changeset", "contact", "key_service", "endpoints"]
    assert [part.text for part in root.iter("format")] == endpoint["formats"]


@pytest.mark.parametrize("form_type", ["json", "xml"])
@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("services.{}?jurisdiction_id=elsewhere", 404, "jurisdiction_id"),
        ("services/unheard-of.{}", 404, "service_code"),
        ("services/fire.{}", 404, "119"),
        ("services/litigation.{}", 404, "court-or-arbitration"),
        ("requests/T-unknown.{}", 404, "service_request_id"),
        ("tokens/T-unknown.{}", 404, "service_request_id"),
        ("requests.{}?status=lost", 400, "status"),
        ("requests.{}?start_date=yesterday", 400, "start_date"),
        ("requests.{}?start_date=2026-01-01T00:00:00", 400, "start_date"),
        ("requests.{}?start_date=2026-01-01T00:00:00Z&end_date=2026-04-02T00:00:00Z", 400, "90 days"),
        ("requests.{}?start_date=2026-02-01T00:00:00Z&end_date=2026-01-01T00:00:00Z", 400, "90 days"),
        ("requests.{}?start_date=9999-12-31T00:00:00Z", 400, "date"),
        ("requests.{}?end_date=0001-01-01T00:00:00Z", 400, "date"),
        ("requests.{}?service_request_id=" + "a," * 1001, 400, "at most 1000"),
    ],
)
def test_an_error_has_the_form_of_the_specification(
    shared_mesh: Mesh, path: str, status: int, word: str, form_type: str
) -> None:
    answer = requests.get(f"{shared_mesh.url}/open311/v2/{path.format(form_type)}", timeout=30)
    assert answer.status_code == status, answer.text
    assert word in errors(answer)[0]["description"]


@pytest.mark.parametrize("form_type", ["json", "xml"])
@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"api_key": ""}, 403, "api_key"),
        ({"api_key": WORDS}, 403, "token"),
        ({"service_code": ""}, 400, "service_code"),
        ({"service_code": WORDS}, 404, "service_code"),
        ({"service_code": "fire"}, 404, "119"),
        ({"jurisdiction_id": "elsewhere"}, 404, "jurisdiction_id"),
        ({"lat": ""}, 400, "lat"),
        ({"lat": "91"}, 400, "lat"),
        ({"lat": "NaN"}, 400, "lat"),
        ({"lat": "9" * 5000}, 400, "lat"),
        ({"lat": "", "long": "", "address_string": ""}, 400, "address_string"),
        ({"attribute[area]": ""}, 400, "attribute[area]"),
        ({"attribute[area]": WORDS}, 400, "attribute[area]"),
        ({"attribute[kind]": WORDS}, 400, "attribute[kind]"),
        ({"description": "x" * 4001}, 400, "description"),
    ],
)
def test_a_bad_request_is_refused_with_the_field_named_and_nothing_repeated(
    shared_mesh: Mesh, changes: dict[str, str], status: int, word: str, form_type: str
) -> None:
    answer = post(shared_mesh, FORM | {"api_key": key(shared_mesh)} | changes, form_type)
    assert answer.status_code == status, answer.text
    assert word in errors(answer)[0]["description"]
    assert not [secret for secret in (WORDS, PHONE, STREET) if secret in answer.text]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"description=%ff%fe", {}),
        (b"description=\xff", {}),
        (b"&".join(b"a%d=1" % n for n in range(101)), {}),
        (b"service_code=a&service_code=b", {}),
        (b"description=" + b"x" * 1_100_000, {}),
        (b"\x1f\x8b\x08" + b"\x00" * 1000, {"content-encoding": "gzip"}),
        (b'{"service_code": "bulky-waste"}', {"content-type": "application/json"}),
        (b"[" * 100_000, {}),
        (b"", {}),
        (b"description=%ED%A0%80", {}),
    ],
    ids=["not UTF-8", "raw bytes", "too many", "twice", "1.1 MB", "a bomb", "JSON", "brackets", "empty", "surrogate"],
)
def test_a_hostile_form_is_answered_with_a_clear_error(shared_mesh: Mesh, body: bytes, headers: dict[str, str]) -> None:
    answer = post(shared_mesh, body, **{"authorization": f"Bearer {key(shared_mesh)}"} | headers)
    assert answer.status_code == 400
    assert errors(answer)


@pytest.mark.parametrize("access", [access for access in Access if access is not Access.PLATFORM])
def test_only_an_app_posts(shared_mesh: Mesh, access: Access) -> None:
    answer = post(shared_mesh, {"api_key": key(shared_mesh, access), "service_code": "unheard-of"})
    assert answer.status_code == (404 if access is Access.APP else 403)


def test_an_address_id_says_the_township_and_an_unknown_format_or_method_is_answered(shared_mesh: Mesh) -> None:
    form = {"service_code": "dead-animal", "address_id": "533423101003", "api_key": key(shared_mesh)}
    token = post(shared_mesh, form).json()[0]["service_request_id"]
    assert dispatched(shared_mesh, token)["address_id"] == "533423101"
    assert requests.get(f"{shared_mesh.url}/open311/v2/services.html", timeout=30).status_code == 404
    wrong = requests.put(f"{shared_mesh.url}/open311/v2/requests.json", timeout=30)
    assert (wrong.status_code, wrong.headers["allow"], errors(wrong)[0]["code"]) == (405, "GET, POST", "405")
