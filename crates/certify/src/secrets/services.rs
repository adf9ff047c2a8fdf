//! Kinds of secrets: messaging, payment, models, monitoring, databases, and tokens of no maker. Data only.

use super::checks::{any, discord, grafana, url_with_password};
use super::cloud::assigned;
use super::jwt;
use super::{Kind, token};

/// In the order in which they are tried.
pub(super) static KINDS: [Kind; 26] = [
    token(
        "slack-token",
        &["xoxb-", "xoxp-", "xoxa-", "xoxs-", "xoxe-", "xapp-1-"],
        r"\b((?:xox[abeps]-(?:[0-9]{8,16}|1)|xapp-1-[A-Z0-9]{8,14}-[0-9]{8,16})-[A-Za-z0-9-]{20,200})",
        any,
    ),
    token(
        "slack-webhook",
        &["hooks.slack.com/services/T"],
        r"(?:hooks\.slack\.com/services/)(T[A-Z0-9]{7,12}/B[A-Z0-9]{7,12}/[A-Za-z0-9]{20,30})",
        any,
    ),
    token(
        "discord-webhook",
        &["/api/webhooks/"],
        r"discord(?:app)?\.com/api/webhooks/([0-9]{17,20}/[A-Za-z0-9_-]{60,72})",
        any,
    )
    .within(32, 160),
    token(
        "discord-bot-token",
        &["DISCORD_TOKEN", "DISCORD_BOT_TOKEN"],
        assigned!(r"DISCORD_(?:BOT_)?TOKEN", r"[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}"),
        discord,
    ),
    token(
        "telegram-bot-token",
        &["TELEGRAM_", "api.telegram.org/bot"],
        r#"(?:TELEGRAM_[A-Z_]{0,20}TOKEN["']?\s{0,4}[=:]\s{0,4}["']?|api\.telegram\.org/bot)([0-9]{8,10}:AA[A-Za-z0-9_-]{32,33})"#,
        any,
    ),
    token(
        "teams-webhook",
        &["webhook.office.com/"],
        r"webhook\.office\.com/webhookb2/([0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36})",
        any,
    ),
    token("stripe-key", &["sk_live_", "rk_live_"], r"\b([sr]k_live_[A-Za-z0-9]{20,120})\b", any),
    token("stripe-webhook-secret", &["whsec_"], r"\b(whsec_[A-Za-z0-9+/]{32,64}={0,2})", any),
    token(
        "square-secret",
        &["sq0csp-", "sq0atp-"],
        r"\b(sq0(?:csp-[A-Za-z0-9_-]{43}|atp-[A-Za-z0-9_-]{22}))",
        any,
    ),
    token(
        "shopify-token",
        &["shpat_", "shpss_", "shpca_", "shppa_"],
        r"\b(shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32})\b",
        any,
    ),
    token(
        "twilio-auth-token",
        &["TWILIO_AUTH_TOKEN", "twilio_auth_token"],
        assigned!("twilio_auth_token", r"[0-9a-f]{32}"),
        any,
    ),
    token("sendgrid-key", &["SG."], r"\b(SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})(?:[^A-Za-z0-9_-]|$)", any),
    token(
        "mailgun-key",
        &["MAILGUN_", "mailgun_", "api:key-"],
        r#"(?:(?i:mailgun_[a-z_]{0,20})["']?\s{0,4}[=:]\s{0,4}["']?|api:)(key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})\b"#,
        any,
    ),
    token("openai-key", &["T3BlbkFJ"], r"\b(sk-[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100})", any)
        .within(128, 128),
    token("anthropic-key", &["sk-ant-"], r"\b(sk-ant-[a-z]{3,5}[0-9]{2}-[A-Za-z0-9_-]{80,120})", any),
    token("hugging-face-token", &["hf_"], r"\b(hf_[A-Za-z]{34})\b", any),
    token("replicate-token", &["r8_"], r"\b(r8_[A-Za-z0-9]{37})\b", any),
    token("groq-key", &["gsk_"], r"\b(gsk_[A-Za-z0-9]{52})\b", any),
    token("grafana-token", &["glsa_"], r"\b(glsa_[A-Za-z0-9]{32}_[0-9a-f]{8})\b", grafana),
    token("new-relic-key", &["NRAK-"], r"\b(NRAK-[A-Z0-9]{27})\b", any),
    token(
        "sentry-token",
        &["sntrys_", "sntryu_"],
        r"\b(sntry(?:u_[0-9a-f]{64}|s_eyJ[A-Za-z0-9+/=_]{80,400}))",
        any,
    ),
    token("postman-key", &["PMAK-"], r"\b(PMAK-[0-9a-f]{24}-[0-9a-f]{34})\b", any),
    token("linear-key", &["lin_api_"], r"\b(lin_api_[A-Za-z0-9]{40})\b", any),
    token(
        "json-web-token",
        &["eyJhbGciOi", "eyJ0eXAiOi", "eyJraWQiOi"],
        r"\b(eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,6000}\.[A-Za-z0-9_-]{20,1400})",
        jwt::credential,
    )
    .within(8, 10 << 10),
    token(
        "mqtt-url-credentials",
        &["mqtt://", "mqtts://"],
        r#"mqtts?://([^\s:/@"'<>]{1,64}:[^\s/@"'<>]{4,128}@[^\s/"'<>]{3,200})"#,
        url_with_password,
    ),
    token(
        "database-url-credentials",
        &["postgres://", "postgresql://", "mysql://", "mongodb://", "mongodb+srv://", "redis://", "amqp://"],
        r#"(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|redis|amqp)://([^\s:/@"'<>]{0,64}:[^\s/@"'<>]{4,128}@[^\s/"'<>]{2,200})"#,
        url_with_password,
    ),
];
