//! Clients that are not ours, with and without credentials: Debian's umoci makes an image and unpacks what came back,
//! skopeo carries it, podman pulls it, and the crate `oci-client` does all of that by itself.

use crate::skopeo::copy;
use crate::support::{INDEX, MANIFEST, Registry, failure};
use oci::digest::Digest;
use oci_client::client::{Client, ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::manifest::{IMAGE_CONFIG_MEDIA_TYPE, IMAGE_LAYER_MEDIA_TYPE};
use oci_client::secrets::RegistryAuth;
use std::path::Path;
use tokio::process::Command;

#[tokio::test]
async fn umoci_makes_an_image_that_podman_pulls() {
    let registry = Registry::start().await;
    let dir = tempfile::tempdir().unwrap();
    let layout = dir.path().join("made");
    let digest = make_image(dir.path(), &layout).await;
    let source = format!("oci:{}:it", layout.display());
    let [private, public] = ["acme", "public"].map(|scope| format!("{}/{scope}/app:1.0", registry.host));
    for (image, who) in [(&private, "acme:acme-secret"), (&public, "pipeline:pipeline-secret")] {
        let options = ["--dest-tls-verify=false", "--preserve-digests", "--dest-creds", who];
        let target = format!("docker://{image}");
        copy(dir.path(), &options, &source, &target).await.unwrap();
    }

    let refused = podman(dir.path(), &["pull", "--tls-verify=false", &private]).await.unwrap_err();
    assert!(refused.contains("unauthorized"), "{refused}");
    podman(dir.path(), &["pull", "--tls-verify=false", "--creds=acme:acme-secret", &private]).await.unwrap();
    podman(dir.path(), &["pull", "--tls-verify=false", &public]).await.unwrap();
    for image in [&private, &public] {
        let inspected = podman(dir.path(), &["image", "inspect", "--format={{.Digest}}", image]).await;
        assert_eq!(inspected.unwrap().trim(), digest.to_string());
    }

    let back = format!("oci:{}:back", dir.path().join("back").display());
    let options = ["--src-tls-verify=false", "--preserve-digests", "--src-no-creds"];
    copy(dir.path(), &options, &format!("docker://{public}"), &back).await.unwrap();
    let image = format!("{}:back", dir.path().join("back").display());
    umoci(dir.path(), &["unpack", "--rootless", "--image", &image, "bundle"]).await;
    let note = std::fs::read_to_string(dir.path().join("bundle/rootfs/note")).unwrap();
    assert_eq!(note, "made by umoci\n");
}

#[tokio::test]
async fn oci_client_pushes_pulls_and_lists() {
    let registry = Registry::start().await;
    let client = || {
        let config = ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() };
        Client::new(config)
    };
    let user = |name: &str| RegistryAuth::Basic(name.to_owned(), format!("{name}-secret"));
    let (layer, config_text) = (&b"a layer"[..], &br#"{"architecture":"amd64","os":"linux"}"#[..]);
    for (scope, who) in [("acme", user("acme")), ("public", user("pipeline"))] {
        let image = format!("{}/{scope}/app:1.0", registry.host).parse().unwrap();
        let layers = [ImageLayer::new(layer.to_vec(), IMAGE_LAYER_MEDIA_TYPE.to_owned(), None)];
        let config = Config::new(config_text.to_vec(), IMAGE_CONFIG_MEDIA_TYPE.to_owned(), None);
        client().push(&image, &layers, config, &who, None).await.unwrap();
        let pulled = client().pull(&image, &who, vec![IMAGE_LAYER_MEDIA_TYPE]).await.unwrap();
        assert_eq!(pulled.layers[0].data, layer);
        assert_eq!(pulled.config.data, config_text);
        let tags = client().list_tags(&image, &who, None, None).await.unwrap();
        assert_eq!(tags.tags, ["1.0"]);
        let anonymous = client().pull(&image, &RegistryAuth::Anonymous, vec![IMAGE_LAYER_MEDIA_TYPE]).await;
        match scope {
            "public" => assert_eq!(anonymous.unwrap().digest, pulled.digest),
            _ => assert!(anonymous.is_err(), "nobody reads what is acme's"),
        }
        let other = client().pull(&image, &user("other"), vec![IMAGE_LAYER_MEDIA_TYPE]).await;
        assert_eq!(other.is_ok(), scope == "public");
    }
}

/// A client that knows no list of referrers keeps one itself, under a tag; one that does finds what the server lists.
#[tokio::test]
async fn a_list_of_referrers_under_a_tag_is_an_index_like_any_other() {
    let registry = Registry::start().await;
    let (subject, text) = registry.push_image("acme/app", "1.0", b"layer").await;
    let of_subject = crate::support::descriptor(MANIFEST, text.as_bytes());
    let empty = crate::support::descriptor("application/vnd.oci.empty.v1+json", b"{}");
    let signature = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","artifactType":"a/signature","config":{empty},"layers":[{empty}],"subject":{of_subject}}}"#
    );
    let digest = Digest::of(signature.as_bytes()).to_string();
    registry.put_manifest("acme/app", &digest, MANIFEST, &signature).await;
    let entry = crate::support::descriptor(MANIFEST, signature.as_bytes());
    let list = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{entry}]}}"#);
    let tag = subject.referrers_tag();
    let put = registry.put_manifest("acme/app", &tag, INDEX, &list).await;
    assert_eq!(put.status(), reqwest::StatusCode::CREATED);
    let by_tag = registry.get(&format!("/v2/acme/app/manifests/{tag}")).await.text().await.unwrap();
    assert_eq!(by_tag, list);
    let by_api = registry.get(&format!("/v2/acme/app/referrers/{subject}")).await;
    let by_api: serde_json::Value = by_api.json().await.unwrap();
    assert_eq!(by_api["manifests"][0]["digest"], digest);
    let missing = registry.get("/v2/acme/app/manifests/sha256-none").await;
    assert_eq!(failure(missing).await, (404, "MANIFEST_UNKNOWN".into()));
}

/// An image of one file, as an OCI layout whose tag is `it`.
async fn make_image(dir: &Path, layout: &Path) -> Digest {
    std::fs::write(dir.join("note"), "made by umoci\n").unwrap();
    let image = format!("{}:it", layout.display());
    umoci(dir, &["init", "--layout", layout.to_str().unwrap()]).await;
    umoci(dir, &["new", "--image", &image]).await;
    umoci(dir, &["insert", "--rootless", "--image", &image, "note", "/note"]).await;
    umoci(dir, &["config", "--image", &image, "--config.user", "1000"]).await;
    let index = std::fs::read(layout.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    index["manifests"][0]["digest"].as_str().unwrap().parse().unwrap()
}

async fn umoci(dir: &Path, arguments: &[&str]) {
    run(dir, "umoci", arguments).await.unwrap();
}

/// podman with a storage of its own, which needs neither overlay mounts nor a control group.
async fn podman(dir: &Path, arguments: &[&str]) -> Result<String, String> {
    let [root, runroot] = ["root", "runroot"].map(|name| format!("--{name}={}", dir.join(name).display()));
    // podman wants the file of credentials to exist.
    std::fs::write(dir.join("auth.json"), "{}").unwrap();
    let own = [&root, &runroot, "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none"];
    run(dir, "podman", &[&own[..], arguments].concat()).await
}

async fn run(dir: &Path, program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        // Neither credentials nor memories of the machine's user.
        .env("REGISTRY_AUTH_FILE", dir.join("auth.json"))
        .env("HOME", dir)
        .env("XDG_RUNTIME_DIR", dir)
        .env_remove("http_proxy")
        .env_remove("https_proxy")
        .output()
        .await
        .unwrap_or_else(|cause| panic!("this test runs `{program}`; install Debian's package ({cause})"));
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
