//! A line to a server that counts what comes over it, and may be held up: what a device pays for, whatever a program says of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Proxy {
    pub address: SocketAddr,
    came: Arc<AtomicU64>,
    went: Arc<AtomicU64>,
    allowed: Arc<AtomicU64>,
}

impl Proxy {
    /// A line to this server.
    pub async fn to(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (came, allowed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(u64::MAX)));
        let went = Arc::new(AtomicU64::new(0));
        let proxy = Proxy { address, came: came.clone(), went: went.clone(), allowed: allowed.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(server).await else { continue };
                let (came, went, allowed) = (came.clone(), went.clone(), allowed.clone());
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                tokio::spawn(async move {
                    let mut buffer = vec![0; 16 << 10];
                    while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
                        went.fetch_add(count as u64, Ordering::Relaxed);
                        if to_server.write_all(&buffer[..count]).await.is_err() {
                            return;
                        }
                    }
                });
                tokio::spawn(async move {
                    let mut buffer = vec![0; 16 << 10];
                    while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
                        while came.load(Ordering::Relaxed) >= allowed.load(Ordering::Relaxed) {
                            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                        }
                        came.fetch_add(count as u64, Ordering::Relaxed);
                        if to_client.write_all(&buffer[..count]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        proxy
    }

    /// Bytes that came from the server since this was last asked.
    pub fn take(&self) -> u64 {
        self.came.swap(0, Ordering::Relaxed)
    }

    /// Bytes that went to the server.
    pub fn went(&self) -> u64 {
        self.went.load(Ordering::Relaxed)
    }

    /// Bytes that came from the server.
    pub fn came(&self) -> u64 {
        self.came.load(Ordering::Relaxed)
    }

    /// Nothing more comes when so many bytes came.
    pub fn hold_after(&self, bytes: u64) {
        self.allowed.store(bytes, Ordering::Relaxed);
    }
}
