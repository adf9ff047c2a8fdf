//! Kinds of secrets: keys in files, and what opens a cloud's doors. Data only.

use super::checks::{any, bech32, bytes_32, mixed, password, pem_in_base64, shared_key};
use super::{AFTER_MAX, BEFORE_MAX, Form, Kind, key, token};

/// `NAME = "VALUE"` in any of the ways in which configuration, code and shells write it; the value is the group.
macro_rules! assigned {
    ($name:literal, $value:literal) => {
        concat!(
            "(?i:",
            $name,
            r#")["']?\s{0,4}(?:=>|:=|[=:])\s{0,4}["']?("#,
            $value,
            r#")(?:[^A-Za-z0-9_+/=~-]|$)"#
        )
    };
}
pub(super) use assigned;

/// A `;`-separated connection string: what it begins with, then parts, then the part with the value.
macro_rules! connection {
    ($begin:literal, $end:literal) => {
        concat!("(?i:", $begin, r#")(?:[A-Za-z][A-Za-z ]{1,40}=[^;\r\n"'`]{0,200};){0,8}?"#, $end)
    };
}

/// In the order in which they are tried.
pub(super) static KINDS: [Kind; 33] = [
    key("private-key", &["PRIVATE KEY"], "", any).with_form(Form::Pem),
    key("putty-private-key", &["PuTTY-User-Key-File-"], "", any).with_form(Form::Putty),
    key("age-secret-key", &["AGE-SECRET-KEY-1"], r"\b(AGE-SECRET-KEY-1[A-Z0-9]{58})\b", bech32),
    key(
        "wireguard-private-key",
        &["PrivateKey = ", "PrivateKey="],
        r"PrivateKey\s?=\s?([A-Za-z0-9+/]{43}=)",
        bytes_32,
    ),
    key(
        "kubeconfig-client-key",
        &["client-key-data:"],
        r#"client-key-data:\s{0,8}["']?([A-Za-z0-9+/]{100,16000}={0,2})"#,
        pem_in_base64,
    )
    .within(8, AFTER_MAX),
    // Azure. Forms as in the documentation of IoT Hub, DPS, Service Bus, Event Hubs, storage and Cosmos DB.
    key(
        "azure-dps-connection-string",
        &["SharedAccessKey="],
        connection!(
            r"HostName=[^;\s]{1,80}\.azure-devices-provisioning\.[a-z]{2,3};",
            r"SharedAccessKey=([A-Za-z0-9+/]{22,128}={0,2})"
        ),
        shared_key,
    )
    .within(BEFORE_MAX, 256),
    key(
        "azure-iot-device-connection-string",
        &["SharedAccessKey="],
        connection!(
            r#"HostName=[^;\s"'`]{3,200};DeviceId=[^;\s"'`]{1,128};"#,
            r"SharedAccessKey=([A-Za-z0-9+/]{22,128}={0,2})"
        ),
        shared_key,
    )
    .within(BEFORE_MAX, 256),
    key(
        "azure-iot-hub-connection-string",
        &["SharedAccessKey="],
        connection!(r#"HostName=[^;\s"'`]{3,200};"#, r"SharedAccessKey=([A-Za-z0-9+/]{22,128}={0,2})"),
        shared_key,
    )
    .within(BEFORE_MAX, 256),
    key(
        "azure-service-bus-connection-string",
        &["SharedAccessKey="],
        connection!(r#"Endpoint=sb://[^;\s"'`]{3,200};"#, r"SharedAccessKey=([A-Za-z0-9+/]{22,128}={0,2})"),
        shared_key,
    )
    .within(BEFORE_MAX, 256),
    key(
        "azure-shared-access-key",
        &["SharedAccessKey="],
        r"SharedAccessKey=([A-Za-z0-9+/]{22,128}={0,2})",
        shared_key,
    ),
    key(
        "azure-dps-symmetric-key",
        &["symmetric_key", "DPS_DEVICE_KEY"],
        assigned!(r"symmetric_key|DPS_DEVICE_KEY", r"[A-Za-z0-9+/]{42,88}={1,2}"),
        shared_key,
    ),
    key(
        "azure-cosmos-connection-string",
        &["AccountKey="],
        connection!(r#"AccountEndpoint=https://[^;\s"'`]{3,200};"#, r"AccountKey=([A-Za-z0-9+/]{86}==)"),
        shared_key,
    )
    .within(512, 256),
    key("azure-storage-key", &["AccountKey="], r"AccountKey=([A-Za-z0-9+/]{86}==)", shared_key),
    token(
        "azure-sas-token",
        &["SharedAccessSignature sr="],
        r#"SharedAccessSignature sr=[^&\s"']{1,500}&sig=([A-Za-z0-9%+/=_-]{30,200})"#,
        any,
    ),
    token(
        "azure-sas-url",
        &["&sig="],
        r#"(?:[?&]|SharedAccessSignature=)s[vreptr]{1,2}=[^\s"'<>]{1,900}?&sig=([A-Za-z0-9%+/=_-]{40,200})"#,
        any,
    )
    .within(BEFORE_MAX, 256),
    key(
        "sql-connection-string",
        &[";Password=", ";password=", ";Pwd=", ";pwd=", ";PWD="],
        connection!(
            r#"(?:Server|Data Source|Host|Address|Addr)=[^;\r\n"'`]{1,200};"#,
            r#"(?i:Password|Pwd)=([^;\s"'`]{4,128})"#
        ),
        password,
    )
    .within(BEFORE_MAX, 256),
    token("azure-container-registry-password", &["+ACR"], r"(?:^|[^A-Za-z0-9/+])([A-Za-z0-9/+]{42}\+ACR[A-Za-z0-9]{6})(?:[^A-Za-z0-9/+]|$)", any)
        .within(64, 64),
    token(
        "azure-ad-client-secret",
        &["CLIENT_SECRET", "client_secret", "ClientSecret", "clientSecret"],
        assigned!(r"client_?secret", r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),
        any,
    ),
    // Amazon.
    token("aws-access-key-id", &["AKIA", "ASIA"], r"\b(A[KS]IA[A-Z2-7]{16})\b", any),
    key(
        "aws-secret-access-key",
        &["aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", "SecretAccessKey", "secretAccessKey"],
        assigned!(r"aws_secret_access_key|SecretAccessKey", r"[A-Za-z0-9/+]{40}"),
        mixed,
    ),
    // Google.
    key(
        "gcp-service-account",
        &["\"service_account\""],
        r#""type"\s{0,8}:\s{0,8}"service_account"[^{}]{1,500}?"private_key"\s{0,8}:\s{0,8}"-----BEGIN (?:RSA )?PRIVATE KEY-----(?:\\n|\\r|\s)*([A-Za-z0-9+/]{64})[^"]{100,12000}"#,
        any,
    )
    .within(32, AFTER_MAX),
    token("google-api-key", &["AIza"], r"\b(AIza[A-Za-z0-9_-]{35})(?:[^A-Za-z0-9_-]|$)", any),
    token("google-oauth-client-secret", &["GOCSPX-"], r"\b(GOCSPX-[A-Za-z0-9_-]{28})(?:[^A-Za-z0-9_-]|$)", any),
    token("google-oauth-token", &["ya29."], r"\b(ya29\.[A-Za-z0-9_-]{40,400})", any),
    // Others.
    token("digitalocean-token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"\b(do[opr]_v1_[0-9a-f]{64})\b", any),
    token("heroku-api-key", &["HRKU-"], r"\b(HRKU-[A-Za-z0-9_-]{36,70})", any),
    token("databricks-token", &["dapi"], r"\b(dapi[0-9a-f]{32}(?:-[0-9]{1,2})?)\b", any),
    token("hashicorp-vault-token", &["hvs.", "hvb.", "hvr."], r"\b(hv[sbr]\.[A-Za-z0-9_-]{90,300})", any),
    token("terraform-cloud-token", &[".atlasv1."], r"\b([A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70})", any)
        .within(16, 128),
    token("doppler-token", &["dp.pt.", "dp.st."], r"\b(dp\.(?:pt|st\.[a-z0-9_-]{2,35})\.[A-Za-z0-9]{40,44})\b", any),
    token("tailscale-key", &["tskey-"], r"\b(tskey-[a-z]{2,10}-[A-Za-z0-9]{8,20}-[A-Za-z0-9]{20,40})\b", any),
    token("planetscale-token", &["pscale_"], r"\b(pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_.-]{32,64})", any),
    token("supabase-token", &["sbp_"], r"\b(sbp_[0-9a-f]{40})\b", any),
];
