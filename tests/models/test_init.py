"""Model references: which are understood, and what the others are told."""

import pytest

from vlsbench import models
from vlsbench.core.errors import UnknownName, UserError
from vlsbench.core.protocols import Model
from vlsbench.models.api.openai import OpenAIModel, parse_ref

URL = "http://localhost:8000/v1"


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")


def test_a_reference_with_an_address_names_a_model_at_that_server():
    model = models.load(f"openai:org/name@{URL}/")

    assert isinstance(model, OpenAIModel)
    assert isinstance(model, Model)
    assert (model.model, model.base_url) == ("org/name", URL)
    assert (model.name, model.addresses) == ("openai:org/name", [URL])


def test_a_reference_without_an_address_is_openai_itself():
    assert models.load("openai:gpt-4o").name == "openai:gpt-4o"


def test_the_base_url_of_the_environment_says_where_and_not_what(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", URL)
    model = models.load("openai:gpt-4o")
    assert (model.name, model.addresses) == ("openai:gpt-4o", [URL])


@pytest.mark.parametrize(
    ("ref", "before"),
    [
        ("openai:m@http://h:1/v1/", "openai:m@http://h:1/v1"),
        ("guard:openai:g@http://h:1/v1", "guard:openai:g@http://h:1/v1"),
        ("moderation:x@https://h/v1", "moderation:x@https://h/v1"),
        ("openai-image:p@http://h:1/v1", "openai-image:p@http://h:1/v1"),
        ("openai:gpt-4o", "openai:gpt-4o"),
        ("openai:gpt-4o@https://api.openai.com/v1", "openai:gpt-4o"),
        ("hf:org/model@0123456789012345678901234567890123456789", None),
        ("guard:world", None),
        ("refusal", None),
    ],
)
def test_what_earlier_versions_called_a_model_is_known(ref, before):
    assert models.named_before(ref) == (ref if before is None else before)


def test_the_default_server_was_left_out_of_earlier_names_only_where_it_was_openais(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", URL)
    assert models.named_before("openai:gpt-4o") == f"openai:gpt-4o@{URL}"


def test_the_name_ends_at_the_last_address():
    assert parse_ref(f"team@home@{URL}") == ("team@home", URL)
    assert parse_ref("gpt-4o@2024")[0] == "gpt-4o@2024"


@pytest.mark.parametrize("check", [models.canonical, models.load])
@pytest.mark.parametrize("ref", ["openai:", f"openai:@{URL}", "openai:m@http://", "openai:m@https://a b/v1"])
def test_an_incomplete_reference_is_a_user_error(check, ref):
    with pytest.raises(UserError):
        check(ref)


@pytest.mark.parametrize("check", [models.canonical, models.load])
def test_an_unknown_scheme_suggests_the_known_one(check):
    with pytest.raises(UnknownName, match="Did you mean 'openai'"):
        check("openia:gpt-4o")


@pytest.mark.parametrize("ref", ["gpt-4o", ""])
def test_a_name_without_a_scheme_shows_how_to_write_it(ref):
    with pytest.raises(UserError, match=r"openai:gpt-4o"):
        models.canonical(ref)


def test_checking_a_reference_needs_no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")

    models.canonical("openai:gpt-4o")
    with pytest.raises(UserError, match="No API key for OpenAI"):
        models.load("openai:gpt-4o")


@pytest.mark.parametrize("name", ["m@localhost:8000/v1", "m@", "m@10.0.0.1", "m@host:8000", "m@example.org/v1"])
def test_an_address_without_its_beginning_is_not_taken_for_a_name(name):
    with pytest.raises(UserError, match="lacks its beginning"):
        models.canonical(f"openai:{name}")


@pytest.mark.parametrize("name", ["claude@20240620", "org/model:tag", "a@b"])
def test_names_may_hold_at_signs_and_slashes(name):
    assert models.canonical(f"openai:{name}") == f"openai:{name}"
    assert models.canonical(f"openai:{name}@http://localhost:1/v1") == f"openai:{name}"
