//! Examples of tokens of services. Data only.

use super::*;

pub(super) fn services() -> Vec<Row> {
    let slack = |end: &str| format!("xoxb-2{}-{end}", noise("0123456789", 11, 4));
    let hook = |end: &str| format!("https://hooks.slack.com/services/T0{0}/B0{0}/{end}", noise(UPPER, 8, 1));
    let discord = |end: &str| format!("https://discord.com/api/webhooks/118273645546372819/{end}");
    let bot = |id: &str, seed| {
        format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(id), noise(BASE62, 6, seed), noise(BASE62, 38, seed))
    };
    let telegram = |name: &str, seed| format!("{name}52817{:04}:AA{}", seed, noise(BASE62, 33, seed));
    let teams = |seed| {
        let id = |seed| {
            let part = |count| noise(HEX, count, seed + count as u64);
            format!("{}-{}-{}-{}-{}", part(8), part(4), part(4), part(4), part(12))
        };
        format!(
            "https://x.webhook.office.com/webhookb2/{}@{}/IncomingWebhook/{}/{}",
            id(seed),
            id(seed + 7),
            noise(HEX, 32, seed),
            id(seed + 11)
        )
    };
    let jwt = |header: &str, claims: &str| {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(bytes(32, 1)))
    };
    let hs256 = r#"{"alg":"HS256","typ":"JWT"}"#;
    let grafana = |seed| {
        let random = noise(BASE62, 32, seed);
        let before = format!("glsa_{random}");
        let mut crc = flate2::Crc::new();
        crc.update(before.as_bytes());
        format!("{before}_{}", hex::encode(crc.sum().to_le_bytes()))
    };
    let openai = |seed| format!("sk-proj-{}T3BlbkFJ{}", noise(BASE62, 74, seed), noise(BASE62, 74, seed + 1));
    vec![
        row(
            "slack-token",
            [
                slack(&noise(BASE62, 24, 1)),
                format!("xapp-1-A{}-2837465192837-{}", noise(UPPER, 9, 1), noise(HEX, 64, 1)),
            ],
            [slack("xxxxxxxxxxxxxxxxxxxxxxxx"), "xoxb-your-token".to_owned()],
        ),
        row(
            "slack-webhook",
            [hook(&noise(BASE62, 24, 1)), hook(&noise(BASE62, 24, 2))],
            [
                ["https://hooks.slack.com/services/T00000000/B00000000/", "XXXXXXXXXXXXXXXXXXXXXXXX"]
                    .concat(),
                hook("abc"),
            ],
        ),
        row(
            "discord-webhook",
            [discord(&noise(BASE62, 68, 1)), discord(&noise(BASE62, 68, 2))],
            [discord("<token>"), "POST /api/webhooks/42/github".to_owned()],
        ),
        row(
            "discord-bot-token",
            [
                format!("DISCORD_TOKEN={}", bot("118273645546372819", 1)),
                format!("DISCORD_BOT_TOKEN: {}", bot("118273645546372820", 2)),
            ],
            [
                "DISCORD_TOKEN=your-token".to_owned(),
                format!("DISCORD_TOKEN={}", bot("not-a-number-at-all", 3)),
            ],
        ),
        row(
            "telegram-bot-token",
            [telegram("TELEGRAM_BOT_TOKEN=", 1), telegram("https://api.telegram.org/bot", 2)],
            [
                ["https://api.telegram.org/bot", "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "/getMe"]
                    .concat(),
                "TELEGRAM_BOT_TOKEN=<token>".to_owned(),
            ],
        ),
        row(
            "teams-webhook",
            [teams(1), teams(2)],
            ["https://x.webhook.office.com/webhookb2/id".to_owned(), teams(3)[..90].to_owned()],
        ),
        plain("stripe-key", "sk_live_", BASE62, 24),
        plain("stripe-webhook-secret", "whsec_", BASE62, 32),
        plain("square-secret", "sq0csp-", BASE62, 43),
        plain("shopify-token", "shpat_", HEX, 32),
        setting("twilio-auth-token", "TWILIO_AUTH_TOKEN", |seed| noise(HEX, 32, seed)),
        row(
            "sendgrid-key",
            [1, 2].map(|seed| format!("SG.{}.{}", noise(BASE62, 22, seed), noise(BASE62, 43, seed + 1))),
            ["MSG.format(x)".to_owned(), format!("SG.{}.{}", "x".repeat(22), "y".repeat(43))],
        ),
        row(
            "mailgun-key",
            [
                format!("MAILGUN_API_KEY=key-{}", noise(HEX, 32, 1)),
                format!("curl --user api:key-{}", noise(HEX, 32, 2)),
            ],
            ["MAILGUN_API_KEY=your-key".to_owned(), format!("mailgun_key: key-{}", "0".repeat(32))],
        ),
        row(
            "openai-key",
            [openai(1), format!("OPENAI_API_KEY={}", openai(3))],
            [
                format!("sk-{}T3BlbkFJ{}", "x".repeat(20), "x".repeat(20)),
                "contains T3BlbkFJ in the middle".to_owned(),
            ],
        ),
        plain("anthropic-key", "sk-ant-api03-", BASE62, 95),
        plain("hugging-face-token", "hf_", LETTERS, 34),
        plain("replicate-token", "r8_", BASE62, 37),
        plain("groq-key", "gsk_", BASE62, 52),
        row(
            "grafana-token",
            [grafana(1), grafana(2)],
            [
                format!("glsa_{}_00000000", noise(BASE62, 32, 3)),
                // Of Grafana's documentation: right in form and checksum.
                ["glsa_HOruNAb7SOiCdshU9algkrq7", "FDsNSLAa_54e2f8be"].concat(),
            ],
        ),
        plain("new-relic-key", "NRAK-", UPPER, 27),
        plain("sentry-token", "sntryu_", HEX, 64),
        row(
            "postman-key",
            [1, 2].map(|seed| format!("PMAK-{}-{}", noise(HEX, 24, seed), noise(HEX, 34, seed))),
            ["PMAK-key".to_owned(), format!("PMAK-{}-{}", "0".repeat(24), "0".repeat(34))],
        ),
        plain("linear-key", "lin_api_", BASE62, 40),
        row(
            "json-web-token",
            [
                jwt(hs256, r#"{"sub":"device-7","exp":1900000000}"#),
                jwt(r#"{"kid":"1","alg":"RS256"}"#, r#"{"iss":"acme"}"#),
            ],
            [
                jwt(hs256, r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#),
                jwt(hs256, r#"{"iss":"joe","exp":1300819380}"#),
                jwt(r#"{"alg":"none"}"#, r#"{"iss":"acme"}"#),
            ],
        ),
        row(
            "mqtt-url-credentials",
            [
                "mqtt://dev7:gl4rW9x7@broker.acme.io:1883".to_owned(),
                "'mqtts://a:s3Cr-7Kq@10.0.0.7'".to_owned(),
            ],
            [
                "mqtt://user:password@broker".to_owned(),
                "mqtt://u:${PASSWORD}@b".to_owned(),
                "mqtt://broker:1883".to_owned(),
            ],
        ),
        row(
            "database-url-credentials",
            ["postgres://app:gl4rW9x7@db.acme.io/x".to_owned(), "redis://:s3Cr-7Kq@cache:6379/0".to_owned()],
            [
                "postgresql://scott:tiger@localhost/test".to_owned(),
                "mysql://user:password@host/db".to_owned(),
                "mongodb://app:<password>@db".to_owned(),
                "amqp://guest:guest@rabbitmq:5672/".to_owned(),
                "postgres://postgres:postgres@db/app".to_owned(),
                "redis://:gl4rW9x7@cache.example.com".to_owned(),
            ],
        ),
    ]
}
