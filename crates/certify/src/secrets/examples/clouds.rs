//! Examples of what opens a cloud's doors. Data only.

use super::*;

pub(super) fn azure() -> Vec<Row> {
    let zero = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let shared = |id, begin: &'static str| {
        let text = move |key: &str| format!("{begin}SharedAccessKey={key}");
        row(
            id,
            [text(&base64(32, 1)), format!("'{}'", text(&base64(24, 2)))],
            [text(zero), text("<key>"), text("{your key}"), text("AAAA")],
        )
    };
    let storage = |key: &str| format!("DefaultEndpointsProtocol=https;AccountName=a;AccountKey={key}");
    let emulator = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    let cosmos = |key: &str| format!("AccountEndpoint=https://a.documents.azure.com:443/;AccountKey={key};");
    let cosmos_emulator =
        "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==";
    let sas =
        |sig: &str| format!("SharedAccessSignature sr=h.azure-devices.net%2Fdevices%2Fd&sig={sig}&se=1");
    let url = |sig: &str| format!("https://a.blob.core.windows.net/c/b?sv=2022-11-02&sr=b&sp=r&sig={sig}");
    let sql =
        |password: &str| format!("Server=tcp:a.database.windows.net,1433;User ID=app;Password={password};");
    let aad = |seed| format!("{}8Q~{}", noise(BASE62, 3, seed), noise(BASE62, 34, seed));
    vec![
        shared("azure-iot-device-connection-string", "HostName=h.azure-devices.net;DeviceId=d;"),
        shared(
            "azure-iot-hub-connection-string",
            "HostName=h.azure-devices.net;SharedAccessKeyName=iothubowner;",
        ),
        shared(
            "azure-dps-connection-string",
            "HostName=p.azure-devices-provisioning.net;SharedAccessKeyName=provisioningserviceowner;",
        ),
        shared(
            "azure-service-bus-connection-string",
            "Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;",
        ),
        shared("azure-shared-access-key", "export KEY='Name=x;"),
        setting("azure-dps-symmetric-key", "IOTHUB_DEVICE_DPS_DEVICE_KEY", |seed| base64(32, seed)),
        row(
            "azure-storage-key",
            [storage(&base64(64, 1)), storage(&base64(64, 2))],
            [storage(emulator), storage("<account key>")],
        ),
        row(
            "azure-cosmos-connection-string",
            [cosmos(&base64(64, 1)), cosmos(&base64(64, 2))],
            [cosmos(cosmos_emulator), cosmos("<key>")],
        ),
        row(
            "azure-sas-token",
            [sas(&base64(32, 1).replace('+', "%2B")), sas(&base64(32, 2).replace('=', "%3D"))],
            [sas("{signature}"), sas(&"x".repeat(44))],
        ),
        row(
            "azure-sas-url",
            [url(&base64(32, 1).replace('+', "%2B")), url(&base64(32, 2).replace('=', "%3D"))],
            [url("Z%2FRHIX5Xcg0Mq2rqI3OlWTjEg2tYkboXr1P9ZUXDtkk%3D"), url("<signature>")],
        ),
        row(
            "sql-connection-string",
            [sql("gl4rW9x7Qm"), "Data Source=db;Initial Catalog=x;Uid=sa;Pwd=S4r-9!kQz;".to_owned()],
            [sql("<password>"), sql("{your_password}"), sql("yourStrong(!)Password"), sql("${SA_PASSWORD}")],
        ),
        row(
            "azure-container-registry-password",
            [1, 2].map(|seed| format!("p: {}+ACR{}\n", noise(BASE62, 42, seed), noise(BASE62, 6, seed))),
            ["docs of+ACR names".to_owned(), format!("{}+ACRxxxxxx", "x".repeat(42))],
        ),
        setting("azure-ad-client-secret", "AZURE_CLIENT_SECRET", aad),
    ]
}

pub(super) fn clouds() -> Vec<Row> {
    let upper32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let service_account = |seed| {
        let key = pem("", seed).replace('\n', "\\n");
        format!("{{\"type\": \"service_account\", \"project_id\": \"p\", \"private_key\": \"{key}\"}}")
    };
    vec![
        row(
            "aws-access-key-id",
            [format!("AKIA{}", noise(upper32, 16, 1)), format!("id=ASIA{}\n", noise(upper32, 16, 2))],
            [
                ["AKIAIOSFODNN7", "EXAMPLE"].concat(),
                "AKIAAAAAAAAAAAAAAAAA".to_owned(),
                "ASIA/Tokyo".to_owned(),
            ],
        ),
        row(
            "aws-secret-access-key",
            [
                format!("AWS_SECRET_ACCESS_KEY={}", noise(BASE62, 40, 1)),
                format!("\"SecretAccessKey\": \"{}\"", noise(BASE62, 40, 2)),
            ],
            [
                ["aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/", "bPxRfiCYEXAMPLEKEY"].concat(),
                format!("aws_secret_access_key={}", noise(HEX, 40, 3)),
                "aws_secret_access_key = os.environ['X']".to_owned(),
            ],
        ),
        row(
            "gcp-service-account",
            [service_account(1), service_account(2)],
            [
                "{\"type\": \"service_account\", \"private_key\": \"...\"}".to_owned(),
                "if info[\"type\"] == \"service_account\":".to_owned(),
            ],
        ),
        plain("google-api-key", "AIza", BASE62, 35),
        plain("google-oauth-client-secret", "GOCSPX-", BASE62, 28),
        plain("google-oauth-token", "ya29.", BASE62, 60),
        plain("digitalocean-token", "dop_v1_", HEX, 64),
        plain("heroku-api-key", "HRKU-", BASE62, 60),
        plain("databricks-token", "dapi", HEX, 32),
        plain("hashicorp-vault-token", "hvs.", BASE62, 92),
        plain("doppler-token", "dp.pt.", BASE62, 43),
        plain("planetscale-token", "pscale_tkn_", BASE62, 43),
        plain("supabase-token", "sbp_", HEX, 40),
        row(
            "terraform-cloud-token",
            [1, 2].map(|seed| format!("{}.atlasv1.{}", noise(BASE62, 14, seed), noise(BASE62, 67, seed))),
            [
                "xxxxxx.atlasv1.zzzzzzzzzzzzz".to_owned(),
                format!("{}.atlasv1.{}", "x".repeat(14), "z".repeat(67)),
            ],
        ),
        row(
            "tailscale-key",
            [1, 2].map(|seed| format!("tskey-auth-{}-{}", noise(BASE62, 12, seed), noise(BASE62, 32, seed))),
            ["tskey-auth-XXXX".to_owned(), format!("tskey-auth-{}-{}", "x".repeat(12), "x".repeat(32))],
        ),
    ]
}
