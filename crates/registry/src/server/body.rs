//! Request bodies as bounded streams: a client that stops sending is given up after a while, so that it does not hold
//! an upload for ever.

use super::failure::{Code, Failure};
use axum::{body::Body, http::StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, pin_mut};
use std::time::Duration;

/// Longest silence within a request body. Devices on poor links resend lost packets for up to about a minute.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Longest time for a body that is gathered in memory: 4 MiB at 14 KB a second. A client that trickles must not hold
/// memory for longer.
const COLLECT_MAX: Duration = Duration::from_secs(300);

/// The body in pieces, as they arrive.
pub(super) fn stream(body: Body) -> impl Stream<Item = Result<Bytes, String>> + Send {
    tokio_stream::StreamExt::timeout(body.into_data_stream(), SILENCE_MAX).map(|piece| match piece {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(cause)) => Err(cause.to_string()),
        Err(_) => Err(format!("the client sent nothing for {} s", SILENCE_MAX.as_secs())),
    })
}

/// The whole body, at most `size_max` bytes.
pub(super) async fn collect(body: Body, size_max: u64) -> Result<Bytes, Failure> {
    tokio::time::timeout(COLLECT_MAX, gather(body, size_max)).await.unwrap_or_else(|_| {
        let message = format!("the request's body took longer than {} s", COLLECT_MAX.as_secs());
        Err(Failure::new(StatusCode::REQUEST_TIMEOUT, Code::SizeInvalid, message))
    })
}

async fn gather(body: Body, size_max: u64) -> Result<Bytes, Failure> {
    let pieces = stream(body);
    pin_mut!(pieces);
    let mut whole = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|cause| {
            Failure::bad(Code::SizeInvalid, format!("the request's body broke off: {cause}"))
        })?;
        if whole.len() as u64 + piece.len() as u64 > size_max {
            let message = format!("the request's body passes the limit of {size_max} bytes");
            return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, Code::SizeInvalid, message));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}
