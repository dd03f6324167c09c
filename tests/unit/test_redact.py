"""What may not be shown: credentials and secrets made up for the purpose, and what only looks like them."""

from __future__ import annotations

import pytest

from driftcheck.model import Json, Path, PathPattern
from driftcheck.redact import MASK, is_credential, is_sensitive, masked, masked_text, secrets_in

ENVIRONMENT = ("ModelQualityAppSpecification", "Environment")
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
SESSION_TOKEN = "IQoJb3JpZ2luX2VjEJr" + "A1b2C3d4/+" * 30
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA75\n-----END RSA PRIVATE KEY-----"
PRESIGNED = (
    "https://ml-eu.s3.amazonaws.com/data.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261124%2Feu-west-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20261124T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=d34db33fd34db33f"
)

DENIED = "User: arn:aws:sts::123456789012:assumed-role/ci/me is not authorized to perform: sagemaker:X"

CREDENTIALS = {
    "access-key-id": "AKIAIOSFODNN7EXAMPLE",
    "temporary-access-key-id": "ASIAIOSFODNN7EXAMPLE",
    "access-key-id-in-a-text": "use AKIAIOSFODNN7EXAMPLE, please",
    "access-key-id-after-an-underscore": "key_AKIAIOSFODNN7EXAMPLE",
    "access-key-id-in-an-argument": "--aws-key=AKIAIOSFODNN7EXAMPLE",
    "access-key-id-in-json": '{"id":"AKIAIOSFODNN7EXAMPLE"}',
    "secret-access-key": AWS_SECRET,
    "secret-access-key-in-a-file": f"[default]\naws_secret_access_key = {AWS_SECRET}\n",
    "secret-access-key-in-an-argument": f"--secret-key={AWS_SECRET}",
    "secret-access-key-in-json": f'{{"secret": "{AWS_SECRET}"}}',
    "session-token": SESSION_TOKEN,
    "pem": PEM,
    "pem-on-one-line": PEM.replace("\n", "\\n"),
    "pem-without-its-end": PEM[:50],
    "pem-pkcs8": "-----BEGIN PRIVATE KEY-----\nMIIE",
    "pem-openssh": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl",
    "pem-encrypted": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE",
    "pgp": "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOY",
    "jwt": JWT,
    "jwt-in-a-header": f"Authorization: Bearer {JWT}",
    "jwt-unsigned": "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.",
    "github-token": "ghp_" + "a1B2c3" * 6,
    "github-server-token": "ghs_" + "a1B2c3" * 6,
    "github-fine-grained-token": "github_pat_" + "11ABCDEFG0" * 3,
    "gitlab-token": "glpat-" + "a1B2c3D4e5" * 2,
    "hugging-face-token": "hf_" + "aBcDeFgHiJ" * 3 + "kLmN",
    "slack-token": "xoxb-" + "1234567890-abcdefghij",
    "url-userinfo": "postgres://app:tulip@db.internal:5432/churn",
    "url-userinfo-without-password": "https://0123token@github.example/x.git",
    "url-userinfo-in-capitals": "HTTPS://APP:TULIP@DB.INTERNAL/",
    "url-userinfo-in-a-text": "connect to redis://:tulip@cache:6379/0 first",
    "url-userinfo-with-an-at-sign": "postgres://app:tu@lip@db/churn",
    "url-userinfo-with-a-raw-slash": "postgres://app:tu/lip@db/churn",
    "url-userinfo-with-a-raw-hash": "postgres://app:tu#lip@db/churn",
    "url-userinfo-with-a-raw-question-mark": "postgres://app:tu?lip@db/churn",
    "jdbc-userinfo": "jdbc:postgresql://app:tulip@db/churn",
    "jdbc-password": "jdbc:postgresql://db/churn?user=app&password=tulip",
    "connection-string": "Server=db;Database=churn;User=app;Password=tulip;",
    "storage-account-key": "DefaultEndpointsProtocol=https;AccountName=ml;AccountKey=dHVsaXA=",
    "presigned-url": PRESIGNED,
    "presigned-url-of-the-old-kind": "https://b.s3.amazonaws.com/k?AWSAccessKeyId=x&Expires=1&Signature=vjby%2B",
    "shared-access-signature": "https://ml.blob.core.windows.net/c/b?sv=2024&sig=dHVsaXA%3D",
    "presigned-url-of-google": "https://storage.googleapis.com/b/o?X-Goog-Signature=0a1b",
}

NO_CREDENTIALS = {
    "empty": "",
    "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn-monitor:2.4.1",
    "image-by-digest": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn@sha256:" + "0f1e2d3c" * 8,
    "image-of-a-registry-with-a-port": "registry.internal:5000/churn@sha256:" + "0f1e2d3c" * 8,
    "s3-uri": "s3://ml-monitoring-eu/reports/churn/2026/11/24",
    "s3-uri-with-an-at-sign": "s3://bucket/a@b",
    "s3-uri-with-a-colon-and-an-at-sign": "s3://bucket/a:b@c",
    "s3-uri-with-mixed-case": "s3://MlMonitoring/Reports1/Churn2/Daily3/Ab",
    "https-uri-with-a-port": "https://host:8443/a@b",
    "https-uri-with-a-port-and-a-query": "https://host:8443?mail=a@b",
    "https-uri-with-an-at-sign-in-its-query": "https://host/?mail=a@b.example",
    "role-arn": "arn:aws:iam::123456789012:role/service-role/SageMakerModelMonitor",
    "role-arn-of-a-long-name": "arn:aws:iam::123456789012:role/SageMakerModelMonitorExecutionRol12",
    "kms-key-arn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "kms-key-id": "1234abcd-12ab-34cd-56ef-1234567890ab",
    "kms-multi-region-key-id": "mrk-1234abcd12ab34cd56ef1234567890ab",
    "sha1-digest": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "sha1-digest-in-capitals": "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
    "sha256-digest": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "mail": "team@example.com",
    "uuid": "6f1c8e0a-3b0e-4d5e-9a51-0d5a3c0e6b1f",
    "local-path": "/opt/ml/processing/input/endpoint",
    "local-path-of-forty-characters": "/opt/ml/processing/Input1/ChurnMonitor01",
    "forty-letters": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN",
    "role-id": "AROAIOSFODNN7EXAMPLE",
    "words-of-twenty-letters": "asiapacificsoutheast",
    "longer-than-an-access-key-id": "AKIAIOSFODNN7EXAMPLE0",
    "public-key": "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n-----END PUBLIC KEY-----",
    "certificate": "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----",
    "url": "https://monitoring.internal/metrics?sigma=3&design=a",
    "network-address": "[::1]:8080",
    "url-of-a-network-address": "http://[::1]:8080/a@b",
    "offset": "-P8D",
    "date-and-time": "2026-11-24T02:17:00Z",
    "github-token-prefix": "ghp_short",
    "json": '{"a": {"b": [1, 2.5, true]}}',
}


@pytest.mark.parametrize("text", CREDENTIALS.values(), ids=CREDENTIALS)
def test_a_credential_is_told(text: str) -> None:
    assert is_credential(text)
    assert masked(("RoleArn",), text) == (MASK, True)


@pytest.mark.parametrize("text", NO_CREDENTIALS.values(), ids=NO_CREDENTIALS)
def test_what_is_no_credential_is_shown(text: str) -> None:
    assert not is_credential(text)
    assert masked(("RoleArn",), text) == (text, False)
    assert masked_text(text) == text


@pytest.mark.parametrize(
    "key",
    [
        *("PASSWORD", "DB_PASSWORD", "dbPassword", "DbPasswordFile", "PGPASSWORD", "passwords"),
        *("DB_PASSWD", "DB-PASSWD", "dbpasswd", "PASSPHRASE", "ssh_passphrase", "PASSCODE"),
        *("PASS", "DB_PASS", "dbPass", "DBPass", "SMTPPASS", "PWD", "MYSQL_PWD", "dbPwd", "DBPWD", "DB_PW"),
        *("SECRET", "CLIENT_SECRET", "clientSecret", "secrets", "AWS_SECRET_ACCESS_KEY", "SecretArn"),
        *("TOKEN", "API_TOKEN", "apiToken", "HF_TOKEN", "ACCESS_TOKEN", "token", "TOKEN_FILE", "TOKENS"),
        *("CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS", "credential", "CREDS", "dbCreds", "DB_CRED"),
        *("PRIVATE_KEY", "PRIVATE_KEY_PATH", "privateKey", "private-key", "private.key", "PRIVATE__KEY"),
        *("API_KEY", "ApiKey", "X_API_KEY", "apikey", "x-api-key", "APIKEYS", "api key"),
        *("ACCESS_KEY", "accessKey", "AWS_ACCESS_KEY_ID", "STORAGE_ACCESSKEY"),
    ],
)
def test_an_environment_key_that_speaks_of_a_secret_hides_its_value(key: str) -> None:
    assert masked((*ENVIRONMENT, key), "tulip") == (MASK, True)


@pytest.mark.parametrize(
    "key",
    [
        *("TOKENIZER", "TOKENIZER_PATH", "TOKENIZERS_PARALLELISM", "tokenizer", "TOKENISATION"),
        *("MONKEY_PATH", "KEY", "KEYS", "KEYSTORE", "KEYBOARD", "PARTITION_KEY", "PUBLIC_KEY", "S3_KEY"),
        *("COMPASS", "BYPASS", "SURPASS", "PASSENGERS", "PASSES", "PASSAGE", "POWER", "SACRED", "INCREDIBLE"),
        *("publish_cloudwatch_metrics", "dataset_format", "ACCESS", "API_URL", "PRIVATE", "PRIVATE_SUBNET"),
        *("", "__class__", "PATH", "BUILD_ID", "AUTHOR"),
    ],
)
def test_an_environment_key_that_speaks_of_none_does_not(key: str) -> None:
    assert masked((*ENVIRONMENT, key), "tulip") == ("tulip", False)


@pytest.mark.parametrize(
    "path",
    [
        ("ModelQualityAppSpecification", "Password"),
        ("Tags", 0, "Password"),
        ("Environment",),
        ("ModelQualityAppSpecification", "ContainerArguments", 0),
    ],
)
def test_only_the_keys_of_an_environment_speak(path: Path) -> None:
    assert masked(path, "tulip") == ("tulip", False)


def test_every_value_under_a_speaking_key_is_hidden() -> None:
    assert masked((*ENVIRONMENT, "TOKEN", "inner", 0), 1) == (MASK, True)


PATTERN = PathPattern('A.B[1]["c.d"]', ("A", "B", 1, "c.d"))
ANY = PathPattern("A.*.B[*]", ("A", None, "B", None))


@pytest.mark.parametrize(
    ("pattern", "path", "hides"),
    [
        (PATTERN, ("A", "B", 1, "c.d"), True),
        (PATTERN, ("A", "B", 1, "c.d", "under"), True),
        (PATTERN, ("A", "B", 0, "c.d"), True),  # an index of desired: in live it may be another
        (PATTERN, ("A", "B", 1), False),
        (PATTERN, ("A", "B", 1, "c"), False),
        (PATTERN, ("A", "B", "1", "c.d"), False),
        (PATTERN, ("X", "A", "B", 1, "c.d"), False),
        (PATTERN, ("A", "B", 1, "c.dd"), False),
        (ANY, ("A", "x", "B", 7), True),
        (ANY, ("A", "x", "y", "B", 7), False),
        (ANY, ("A", "x", "B"), False),
    ],
)
def test_a_sensitive_path_hides_what_it_names(pattern: PathPattern, path: Path, hides: bool) -> None:
    assert is_sensitive(path, "tulip", (pattern,)) is hides
    assert masked(path, 3, (pattern,)) == ((MASK, True) if hides else (3, False))


def test_a_block_keeps_its_form_and_loses_what_is_sensitive_in_it() -> None:
    block: Json = {
        "Environment": {"API_KEY": "tulip", "LOG": "a", "N": {"deep": ["AKIAIOSFODNN7EXAMPLE", 1, None]}},
        "B": [{"c.d": "tulip"}, {"c.d": {"e": 1}}, "x"],
        "Empty": {},
    }
    assert masked(("A",), block, (PATTERN,)) == (
        {
            "Environment": {"API_KEY": MASK, "LOG": "a", "N": {"deep": [MASK, 1, None]}},
            "B": [{"c.d": MASK}, {"c.d": MASK}, "x"],
            "Empty": {},
        },
        True,
    )


@pytest.mark.parametrize("value", [{}, [], None, True, 0, 1.5, {"a": [1, {"b": None}]}])
def test_a_value_without_anything_sensitive_stays_as_it_is(value: Json) -> None:
    assert masked(("A",), value, (PATTERN,)) == (value, False)


def test_the_texts_at_sensitive_paths_are_found() -> None:
    definition: Json = {
        "A": {"B": [{"c.d": "tulip-bed"}, {"c.d": {"x": "daffodils"}}, {"c.e": "shown-text"}]},
        "S": {"Environment": {"DB_PASSWORD": "crocuses", "LOG": "verbose-log", "PIN_SECRET": "1234567"}},
    }
    assert set(secrets_in(definition, (PATTERN,))) == {"tulip-bed", "daffodils", "crocuses"}


def test_a_text_that_holds_a_known_secret_is_hidden() -> None:
    assert masked(("X",), ["--db=tulip-bed", "tulip", 7], (), ("tulip-bed",)) == ([MASK, "tulip", 7], True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing to hide", "nothing to hide"),
        (
            "The key AKIAIOSFODNN7EXAMPLE is not valid, ASIAIOSFODNN7EXAMPLE neither",
            f"The key {MASK} is not valid, {MASK} neither",
        ),
        ("cannot reach https://app:tu@lip@proxy:3128/x", f"cannot reach https{MASK}proxy:3128/x"),
        (f"credentials {AWS_SECRET} refused", f"credentials {MASK} refused"),
        (f"x-amz-date:20261124\nx-amz-security-token:{SESSION_TOKEN}\n", f"x-amz-date:20261124\n{MASK}\n"),
        (f"token {SESSION_TOKEN}.", f"token {MASK}."),
        ("GET https://b/k?X-Amz-Signature=d34db33f&a=1 failed", f"GET https://b/k{MASK}&a=1 failed"),
        (f"bad key {PEM} in request", f"bad key {MASK} in request"),
        (f"header {JWT}, refused", f"header {MASK}, refused"),
        (DENIED, DENIED),
    ],
)
def test_a_message_loses_its_credentials_and_nothing_else(text: str, shown: str) -> None:
    assert masked_text(text) == shown


def test_of_a_presigned_url_neither_the_signature_nor_the_key_stays_in_a_message() -> None:
    shown = masked_text(f"cannot read {PRESIGNED} now")
    assert "d34db33f" not in shown
    assert "AKIA" not in shown
    assert shown.startswith("cannot read https://ml-eu.s3.amazonaws.com/data.csv?")
    assert shown.endswith(" now")
