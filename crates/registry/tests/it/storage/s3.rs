//! An S3 server in this process, over a directory of its own: `s3s` reads requests and checks their signatures, `s3s-fs`
//! keeps objects and parts as files.

use super::{Kind, Place};
use hyper_util::rt::TokioIo;
use object_store::aws::AmazonS3Builder;
use registry::blobs::{ObjectStore, Protocol, Secret};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use std::{net::SocketAddr, sync::Arc};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};

const ACCOUNT: &str = "edge";
pub const SECRET: &str = "0123456789-secret";
const BUCKET: &str = "images";

pub struct Server {
    directory: TempDir,
    address: SocketAddr,
    /// Listener and connections.
    tasks: JoinSet<()>,
}

impl Server {
    pub async fn start() -> Server {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join(BUCKET)).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Server { directory, address, tasks: JoinSet::new() };
        server.start_again().await;
        server
    }

    /// On the port that it had.
    pub async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let files = s3s_fs::FileSystem::new(self.directory.path()).unwrap();
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(ACCOUNT, SECRET));
        let service = builder.build();
        self.tasks.spawn(async move {
            // With the listener go the connections that it took.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                connections.spawn(async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
    }

    pub fn stop(&mut self) {
        self.tasks = JoinSet::new();
    }

    pub fn settings(&self, prefix: Option<&str>, redirect: bool) -> ObjectStore {
        ObjectStore {
            protocol: Protocol::S3,
            bucket: BUCKET.to_owned(),
            prefix: prefix.map(str::to_owned),
            endpoint: Some(format!("http://{}", self.address)),
            region: None,
            account: Some(ACCOUNT.to_owned()),
            secret: Some(Secret::new(SECRET.to_owned())),
            redirect,
        }
    }

    pub fn place(&self, prefix: Option<&str>, redirect: bool) -> Place {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = self.settings(prefix, redirect);
        let raw = AmazonS3Builder::new()
            .with_bucket_name(BUCKET)
            .with_endpoint(settings.endpoint.clone().unwrap())
            .with_access_key_id(ACCOUNT)
            .with_secret_access_key(SECRET)
            .with_allow_http(true)
            .build()
            .unwrap();
        let kind = Kind::Remote { settings: Some(settings), raw: Arc::new(raw) };
        Place { dir: tempfile::tempdir().unwrap(), kind }
    }
}
