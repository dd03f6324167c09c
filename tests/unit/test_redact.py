"""What may not be shown: credentials and secrets made up for the purpose, and what only looks like them."""

from __future__ import annotations

from time import perf_counter

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
    "token-in-a-query": "https://host/?token=tulip",
    "token-in-a-query-further-on": "https://host/a?user=me&auth_token=tulip#x",
    "token-in-a-fragment": "https://host/cb#access_token=tulip",
    "key-in-a-query": "https://host/v1?key=tulip",
    "key-of-camel-case-in-a-query": "https://host/v1?apiKey=tulip",
    "client-secret-in-a-query": "https://host/oauth?client_id=a&client_secret=tulip",
    "password-in-json": '{"user": "app", "password": "tulip"}',
    "password-in-json-without-blanks": '{"password":"tulip"}',
    "number-as-a-password-in-json": '{"password": 12345}',
    "password-in-json-in-json": '{"config": "{\\"password\\": \\"tulip\\"}"}',
    "password-in-a-python-literal": "{'password': 'tulip'}",
    "tokens-in-a-list-in-json": '{"tokens": ["tulip"]}',
    "secrets-in-an-object-in-json": '{"secrets": {"db": "tulip"}}',
    "key-in-json": '{"signingKey": "tulip"}',
    "password-in-yaml": "user: app\npassword: tulip\n",
    "key-in-a-header": "X-Api-Key: tulip",
    "password-argument": "--password=tulip",
    "password-argument-in-quotes": "--password='tulip'",
    "password-argument-after-a-blank": "--password tulip",
    "password-argument-of-one-dash": "-password tulip",
    "password-argument-in-a-command": "python run.py --db-password tulip --verbose",
    "password-argument-in-quoted-command": 'CMD="run --password tulip"',
    "property-argument": "-Ddb.password=tulip",
    "password-of-a-variable": "export DB_PASSWORD=tulip; run",
    "password-in-properties": "db.password = tulip",
    "password-with-a-dollar-sign": "--password=$tulip",
    "key-in-a-header-without-a-blank": "X-Api-Key:tulip",
    "key-in-a-header-in-a-command": "http POST host X-Api-Key:tulip",
    "key-in-a-header-in-quotes": "curl -H 'X-Api-Key: tulip' https://host",
    "token-argument-with-a-colon": "--token:tulip",
    "password-argument-of-windows": "setup.exe /quiet /password:tulip",
    "password-argument-on-the-next-line": "run --password \\\n  tulip",
    "password-argument-that-begins-with-a-dash": "run --password -tulip",
    "password-argument-in-json": '["run", "--password", "tulip"]',
    "curl-user": "curl -u app:tulip https://host",
    "curl-user-without-a-blank": "curl -uapp:tulip https://host",
    "curl-user-in-quotes": 'curl --user "app:tulip" https://host',
    "curl-user-with-an-equals-sign": "curl --proxy-user=app:tulip https://host",
    "curl-user-in-json": '["curl", "-u", "app:tulip"]',
    "netrc": "machine host login app password tulip",
    "password-in-yaml-of-braces": "{password: tulip}",
    "password-in-yaml-of-braces-further-on": "{user: app, password: tulip}",
    "password-in-a-block-of-yaml": "db:\n  password: |\n    tulip\n",
    "password-on-the-next-line-of-yaml": "db:\n  user: app\n  password:\n    tulip\n",
    "secrets-in-a-mapping-of-yaml": "secrets:\n  db: tulip\n",
    "password-in-yaml-in-json": '{"conf": "db:\\n  user: app\\n  password: tulip\\n"}',
    "password-in-toml": '"password" = "tulip"',
    "password-in-ini-with-blanks": "[db]\npassword    =    tulip",
    "password-in-a-ruby-hash": "'password' => 'tulip'",
    "password-in-a-walrus": "password := tulip",
    "password-in-xml": "<db><password>tulip</password></db>",
    "password-in-an-attribute-of-xml": '<property name="password" value="tulip"/>',
    "password-in-a-name-and-a-value": '{"name":"password","value":"tulip"}',
    "password-in-a-value-and-a-name": '{"value": "tulip", "type": "{}", "name": "password"}',
    "password-in-a-name-and-a-value-in-capitals": '{"NAME":"DB_PASSWORD","VALUE":"tulip"}',
    "password-in-a-key-and-a-value": '{"Value":"tulip","Key":"DB_PASSWORD"}',
    "number-in-a-name-and-a-value": '{"Name":"DB_PASSWORD","Value":12345}',
    "password-in-the-second-of-names": '[{"key":"a","value":"b"},{"key":"token","value":"tulip"}]',
    "password-in-a-pair-in-json-in-json": '{"a":"{\\"name\\":\\"password\\",\\"value\\":\\"tulip\\"}"}',
    "password-in-a-name-and-a-value-in-yaml": "- name: password\n  value: tulip",
    "password-in-a-parameter": '{"ParameterKey":"Password","ParameterValue":"tulip"}',
    "password-with-escapes-in-json": '{"pass\\u0077ord": "tulip"}',
    "password-with-escapes-in-json-in-json": '{"a": "{\\"pass\\\\u0077ord\\": \\"tulip\\"}"}',
    "password-with-escapes-in-yaml": '{"pass\\x77ord": "tulip"}',
    "password-with-a-quote-in-json": '{"password":"a\\"tulip"}',
    "name-in-percents-in-a-query": "https://host/?api%5Fkey=tulip",
    "token-in-an-address-in-a-query": "https://host/?next=https%3A%2F%2Fb%2F%3Ftoken%3Dtulip",
    "token-in-an-address-in-two-queries": "https://a/?b=https%3A%2F%2Fb%2F%3Fc%3Dhttps%253A%252F%252Fc%252F%253Ftoken%253Dtulip",
    "userinfo-in-an-address-in-a-query": "https://host/?next=https%3A%2F%2Fapp%3Atulip%40b%2F",
    "oracle": "jdbc:oracle:thin:scott/tulip@host:1521/db",
    "signature-alone": "X-Amz-Signature=tulip",
    "basic": "Basic YXBwOnR1bGlw",
    "basic-in-a-header": "Authorization: Basic YXBwOnR1bGlwcw==",
    "basic-in-a-text": "use basic YXBwOnR1bGlwcw== there",
    "bearer": "Bearer tul1p-8f3a",
    "bearer-of-many-letters": "bearer aBcDeFgHiJkLmNoPqRsTuVwXyZ",
    "slack-webhook": "https://hooks.slack.com/services/T00000000/B00000000/tulip",
    "slack-workflow": "https://hooks.slack.com/triggers/T0/1/tulip",
    "discord-webhook": "https://discord.com/api/webhooks/123/tulip",
    "discord-webhook-of-the-old-kind": "https://discordapp.com/api/v10/webhooks/123/tulip",
    "teams-webhook": "https://acme.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d",
    "teams-webhook-of-the-old-kind": "https://outlook.office.com/webhook/a/IncomingWebhook/b",
    "teams-workflow": "https://prod-1.westeurope.logic.azure.com/workflows/a/triggers/manual/paths/invoke?sig=tulip",
    "google-chat-webhook": "https://chat.googleapis.com/v1/spaces/A/messages?key=a&token=tulip",
    "telegram-webhook": "https://api.telegram.org/bot123:tulip/sendMessage",
    "mattermost-webhook": "https://chat.example.com/hooks/abcdefghijklmnopqrstuvwxyz",
    "pagerduty-integration": "https://events.pagerduty.com/integration/tulip/enqueue",
    "ifttt-trigger": "https://maker.ifttt.com/trigger/drift/json/with/key/tulip",
    "healthchecks-ping": "https://hc-ping.com/6f1c8e0a-3b0e-4d5e-9a51-0d5a3c0e6b1f",
    "healthchecks-ping-by-slug": "https://hc-ping.com/tulip/nightly",
    "healthchecks-ping-without-a-scheme": "curl hc-ping.com/tulip",
    "healthchecks-ping-at-home": "https://checks.example.com/ping/6f1c8e0a-3b0e-4d5e-9a51-0d5a3c0e6b1f",
    "uptime-kuma-push": "https://kuma.example.com/api/push/a1B2c3D4e5a1B2c3?status=up",
    "better-stack-heartbeat": "https://uptime.betterstack.com/api/v1/heartbeat/tulip",
    "make-webhook": "https://hook.eu1.make.com/tulip",
    "n8n-webhook": "https://n8n.example.com/webhook/6f1c8e0a-3b0e-4d5e-9a51-0d5a3c0e6b1f",
    "rocket-chat-webhook": "https://chat.example.com/hooks/64f0aabbccddeeff0/" + "a1B2c3D4e5" * 3,
    "guilded-webhook": "https://media.guilded.gg/webhooks/1/tulip",
    "webex-webhook": "https://webexapis.com/v1/webhooks/incoming/tulip",
    "apprise-address": "tgram://123:tulip/456",
    "gitlab-runner-token": "glrt-" + "a1B2c3D4e5" * 2,
    "slack-app-token": "xapp-1-" + "A0123456789",
    "openai-key": "sk-" + "a1B2c3D4e5" * 4,
    "openai-project-key": "sk-proj-" + "a1B2_c3D4-" * 4,
    "anthropic-key": "sk-ant-api03-" + "a1B2_c3D4-" * 4,
    "stripe-key": "sk_live_" + "a1B2c3D4e5" * 2,
    "google-key": "AIza" + "SyA1B2c3D4e5" * 3,
    "npm-token": "npm_" + "a1B2c3" * 6,
    "pypi-token": "pypi-AgEIcHlwaS5vcmc" + "CJDExMTEx" * 3,
    "databricks-token": "dapi" + "0123456789abcdef" * 2,
    "sendgrid-key": "SG." + "a1B2c3D4e5F6g7H8i9J0kL" + "." + "a1B2c3D4e5F6g7H8i9J0kL",
    "vault-token": "hvs." + "CAESIJ1234567890abcdef",
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
    "json-without-a-secret": '{"password": null, "token": "", "keys": [], "use_token": true, "secrets": {}}',
    "counts-in-json": '{"max_tokens": 512, "num_keys": 3}',
    "count-as-an-argument": "--max-tokens=512",
    "tokenizer-as-an-argument": "--tokenizer bert",
    "flag-without-a-value": "--use-token --verbose",
    "path-with-an-assignment": "s3://bucket/join_key=7/password=x/data.csv",
    "filter-expression": "predictions[?key=='a'].value",
    "basic-in-words": "Basic monitoring of the basic authentication",
    "bearer-in-words": "the bearer of this",
    "kms-key-arn-of-an-alias": "arn:aws:kms:eu-west-1:123456789012:alias/key",
    "secret-arn-in-a-path": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
    "image-of-sk-learn": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/sk-learn-model-monitor-image:1.2-1",
    "bucket-of-a-mirror": "s3://pypi-mirror-internal-cache-eu-west-1/glue-monitoring-container-image",
    "line-of-a-file-named-like-a-token": "see desired/token.yaml:3:1",
    "user-of-docker": "docker run --user 1000:1000 -u churn image",
    "auth-mode-as-an-argument": "--auth-mode=iam --pin-memory",
    "name-and-value-in-json": '{"name":"color","value":"blue"}',
    "name-of-no-value-in-json": '[{"name": "api_key", "type": "string"}]',
    "names-in-braces": "{keywords: a, tokenizer: bert, monkey: b}",
    "percents-in-a-query": "https://host/?mail=a%40b.example&path=a%2Fb%20c",
    "paths-of-windows": r"C:\users\xavier\new\u0041",
    "ping-in-a-path": "https://host/api/ping/ok",
    "integration-in-a-path": "https://docs.example.com/integration/sagemaker-model-monitor",
    "file-of-a-repository": "https://github.com/a/hooks/blob/" + "0123456789" * 4 + "/a.py",
    "folder-of-hooks": "s3://bucket/hooks/abcdefghijklmnopqrstuvwxyz",
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
        *("SIGNING_KEY", "ENCRYPTION_KEY", "FERNET_KEY", "HMAC_KEY", "MASTER_KEY", "SSH_KEY", "KEY", "KEYS"),
        *(
            "signingKey",
            "SigningKeys",
            "hmac-key",
            "master.key",
            "SSHKey",
            "SSHkey",
            "SIGNINGKEY",
            "fernetkey",
        ),
        *("KEY1", "KEY_2", "key2", "KEY_FILE", "KEYFILE", "KMS_KEY_ID", "KEYs", "KEY_WORDS", "MONKEY_KEY"),
        *("PRIVATEKEY", "PUBLIC_KEY", "PARTITION_KEY", "S3_KEY", "JOIN_KEY"),
        *("GHPAT", "GITHUBPAT", "PATV2", "DBPW", "USERPW", "DB_PSWD", "DB_PASSWRD", "PASSWORT", "DBPASSV2"),
        *("AWSCREDS", "DBCRED", "HMACKEYV1", "KEYB64", "SIGNINGKEYPROD", "AWSKEYID", "kEY", "PSK", "SALT"),
        *("AUTH", "BASIC_AUTH", "HTTP_AUTH", "AUTH_HEADER", "basicAuth", "AUTHHEADER", "OAUTH2"),
        *("SAS", "SAS_URL", "BLOBSAS", "PIN", "USER_PIN", "PIN_CODE", "PINCODE", "OTP"),
        *("PRIVATE_PEM", "SERVER_PEM", "PEM", "COOKIE", "SESSION_COOKIE", "SESSIONID", "SLACKWEBHOOK"),
        *("DSN", "SENTRY_DSN", "CONNECTION_STRING", "ConnectionString", "CONN_STR"),
        *("PAT", "GITHUB_PAT", "githubPat", "GitHubPATs", "PATS", "JWT", "BEARER", "SLACK_WEBHOOK_URL"),
    ],
)
def test_an_environment_key_that_speaks_of_a_secret_hides_its_value(key: str) -> None:
    assert masked((*ENVIRONMENT, key), "tulip") == (MASK, True)


@pytest.mark.parametrize(
    "key",
    [
        *("TOKENIZER", "TOKENIZER_PATH", "TOKENIZERS_PARALLELISM", "tokenizer", "TOKENISATION"),
        *("MONKEY", "MONKEYS", "MONKEY_PATH", "monkeyPatch", "TURKEY", "HOCKEY", "Donkey", "KEYSTORE"),
        *(
            "KEYWORDS",
            "KEYBOARD",
            "keyboardLayout",
            "KEYNOTE",
            "PATTERN",
            "PATCH",
            "COMPATIBILITY",
            "SPATIAL",
        ),
        *("COMPASS", "BYPASS", "SURPASS", "PASSENGERS", "PASSES", "PASSAGE", "POWER", "SACRED", "INCREDIBLE"),
        *("publish_cloudwatch_metrics", "dataset_format", "ACCESS", "API_URL", "PRIVATE", "PRIVATE_SUBNET"),
        *("AUTHORS", "AUTHORITY", "AUTH_MODE", "authType", "OAUTH_CLIENT_ID", "PIN_MEMORY", "PINNED", "SPIN"),
        *("COMPAT_MODE", "EXPAT", "CA_PEM", "COOKIE_DOMAIN", "STOPWORDS", "SALTED", "DESK", "KANSAS"),
        *("SIGNATURE", "SIGNATURE_NAME", "DATABASE_URL", "MONKEYPATCH", "TURNKEY", "INPUT_PATHS"),
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
        *[
            (text, text)
            for text in ("ExpiredTokenException: The security token is expired", "token: missing")
        ],
        ("cannot reach https://host/?token=tulip&a=1", f"cannot reach https://host/?token={MASK}&a=1"),
        ('said {"password": "tulip", "a": 1}', f'said {{"password": {MASK}, "a": 1}}'),
        (
            'said {"value": "tulip", "name": "DB_PASSWORD"}',
            f'said {{"value": {MASK}, "name": "DB_PASSWORD"}}',
        ),
        ('said {"pass\\u0077ord": "tulip"}', f'said {{"password": {MASK}}}'),
        ("said {password: tulip, a: 1}", f"said {{password: {MASK}, a: 1}}"),
        ("GET https://h/?api%5Fkey=tulip failed", f"GET https://h/?api_key={MASK} failed"),
        ("token.yaml:3:1: unknown member", "token.yaml:3:1: unknown member"),
        ("run --password tulip --a failed", f"run --password {MASK} --a failed"),
        ("post to https://hooks.slack.com/services/T/B/x: 404", f"post to https://{MASK} 404"),
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


@pytest.mark.parametrize("option", ["--password", "-password", "--api-key", "--signingKey"])
def test_an_argument_after_an_option_that_speaks_of_a_secret_is_hidden(option: str) -> None:
    arguments: Json = [option, "tulip", "--mode", "tulips", option, "--verbose", option]

    assert masked(("A",), arguments) == (
        [option, MASK, "--mode", "tulips", option, "--verbose", option],
        True,
    )
    # alone, as a difference has it, it is known by what both sides have
    known = set(secrets_in({"A": arguments}))
    assert known == {"tulip"}
    assert masked(("A", 1), "tulip", (), known) == (MASK, True)
    assert masked(("A", 3), "tulips", (), known) == ("tulips", False)


@pytest.mark.parametrize("option", ["-u", "--user", "--proxy-user"])
def test_a_user_with_a_password_after_its_option_is_hidden(option: str) -> None:
    arguments: Json = ["curl", option, "app:tulip", "https://host"]

    assert masked(("A",), arguments) == (["curl", option, MASK, "https://host"], True)
    assert set(secrets_in({"A": arguments})) == {"app:tulip"}
    for plain in ("1000:1000", "app"):
        assert masked(("A",), [option, plain]) == ([option, plain], False)


def test_a_password_after_a_letter_that_may_be_a_port_or_a_path_is_shown() -> None:
    assert masked(("A",), ["-p", "8080"]) == (["-p", "8080"], False)


def test_a_plain_key_is_plain_however_it_is_written() -> None:
    for text in ("S3_KEY:a", "{S3_KEY: a}", '{"Name":"S3_KEY","Value":"a"}', "https://host/?S3%5FKEY=a"):
        assert masked(("A",), text, plain_keys=PLAIN) == (text, False)
        assert masked(("A",), text) == (MASK, True)


PLAIN = frozenset({"S3_KEY", "join-key"})


def test_the_operators_plain_keys_are_shown_and_credentials_under_them_are_not() -> None:
    environment: dict[str, Json] = {
        "S3_KEY": "data/a.csv",
        "s3_key": "data/b.csv",
        "API_KEY": "tulip",
        "ARGS": "--join-key=id",
    }
    definition: Json = {"Environment": environment, "Arguments": ["--join-key", "id", "--s3-key", "c"]}

    assert masked((), definition, plain_keys=PLAIN) == (
        {
            "Environment": {**environment, "s3_key": MASK, "API_KEY": MASK},
            "Arguments": ["--join-key", "id", "--s3-key", MASK],
        },
        True,
    )
    for credential in ("AKIAIOSFODNN7EXAMPLE", "https://a:tulip@host/", "https://host/?token=tulip"):
        assert masked((*ENVIRONMENT, "S3_KEY"), credential, plain_keys=PLAIN) == (MASK, True)
    # a desired file can mask more
    rule = PathPattern("Environment.S3_KEY", ("Environment", "S3_KEY"))
    assert masked(("Environment", "S3_KEY"), "data/a.csv", (rule,), plain_keys=PLAIN) == (MASK, True)
    assert set(secrets_in(definition, plain_keys=PLAIN)) == {"c", "data/b.csv"}


@pytest.mark.parametrize("member", ["VolumeKmsKeyId", "KmsKeyId"])
def test_the_id_of_a_key_is_no_secret_where_it_is_a_member(member: str) -> None:
    for value in ("mrk-1234abcd12ab34cd56ef1234567890ab", NO_CREDENTIALS["kms-key-arn"], "alias/monitor"):
        assert masked(("JobResources", "ClusterConfig", member), value) == (value, False)


@pytest.mark.parametrize(
    "part",
    [
        *("token=", '"token":', "--token ", "basic ", "pypi-", "a=?", "token: x\n", "://a:"),
        *("\\u0077", "%25", "{a: ", "name: ", "name:token value:", "value:", "-u a:", "-u ", "login "),
        *("http://a/hooks/", "a/", "maker.ifttt.com/", "<a ", "<token>", "/token:", "\\", '\\"', '"'),
        *("auth", "key", "a_", "a.b", " ", "token:\n", "jdbc:oracle:a:"),
    ],
)
def test_a_long_text_is_judged_in_time_that_grows_with_its_length(part: str) -> None:
    text = part * (200_000 // len(part))
    began = perf_counter()
    masked_text(text)
    is_credential(text)
    masked((*ENVIRONMENT, text), text)
    assert perf_counter() - began < 10
