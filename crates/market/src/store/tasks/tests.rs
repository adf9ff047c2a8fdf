//! What the task table promises, against a real database.

use super::*;
use crate::clock::{Clock, Ids};
use crate::config::{Config, Settings};
use crate::market::Market;
use crate::tasks::{self, LOST_MAX, Worker};
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

async fn market() -> (TempDir, Market) {
    let directory = TempDir::new().unwrap();
    let config = Config::new(directory.path(), Settings::default());
    let market = Market::open(config, Clock::system(), Ids::system()).await.unwrap();
    (directory, market)
}

async fn add(market: &Market, key: &str) -> bool {
    let mut tx = market.store.write().await.unwrap();
    let added = tasks::enqueue(market, &mut tx, tasks::Kind::Packaging, key, key).await.unwrap();
    tx.commit().await.unwrap();
    added
}

async fn take(market: &Market, token: &str, lease_ms: i64) -> Option<TaskRow> {
    take_in(market, 0, token, lease_ms).await
}

/// As it would be so many milliseconds from now.
async fn take_in(market: &Market, later_ms: i64, token: &str, lease_ms: i64) -> Option<TaskRow> {
    let mut tx = market.store.write().await.unwrap();
    let now = now_ms(&mut tx).await.unwrap() + later_ms;
    let row = claim(&mut tx, "packaging", token, now, now + lease_ms).await.unwrap();
    tx.commit().await.unwrap();
    row
}

#[tokio::test]
async fn one_active_task_per_kind_and_key() {
    let (_directory, market) = market().await;
    assert!(add(&market, "a").await);
    assert!(!add(&market, "a").await);
    let row = take(&market, "one", 60_000).await.unwrap();
    assert!(!add(&market, "a").await, "a running task is active too");
    let mut tx = market.store.write().await.unwrap();
    assert!(complete(&mut tx, &row.id, "one").await.unwrap());
    tx.commit().await.unwrap();
    assert!(add(&market, "a").await);
}

#[tokio::test]
async fn a_lost_lease_can_record_nothing() {
    let (_directory, market) = market().await;
    add(&market, "a").await;
    let row = take(&market, "slow", 600_000).await.unwrap();
    assert!(take(&market, "early", 600_000).await.is_none(), "the lease still runs");
    let again = take_in(&market, 600_000, "fast", 600_000).await.unwrap();
    assert_eq!((again.attempts, again.lost), (2, 2));
    let mut tx = market.store.write().await.unwrap();
    assert!(!complete(&mut tx, &row.id, "slow").await.unwrap());
    assert!(renew(&mut tx, &row.id, "slow", i64::MAX).await.unwrap().is_none());
    assert!(!retry(&mut tx, &row.id, "slow", 0, "late").await.unwrap());
    assert!(complete(&mut tx, &row.id, "fast").await.unwrap());
}

#[tokio::test]
async fn a_cancelled_task_cannot_complete() {
    let (_directory, market) = market().await;
    add(&market, "a").await;
    let row = take(&market, "one", 60_000).await.unwrap();
    let mut tx = market.store.write().await.unwrap();
    cancel_subject(&mut tx, "a").await.unwrap();
    assert_eq!(renew(&mut tx, &row.id, "one", i64::MAX).await.unwrap(), Some(true));
    assert!(!complete(&mut tx, &row.id, "one").await.unwrap());
    assert!(!retry(&mut tx, &row.id, "one", 0, "x").await.unwrap());
    assert!(remove_canceled(&mut tx, &row.id, "one").await.unwrap());
}

#[tokio::test]
async fn a_task_that_never_comes_back_is_buried_and_can_be_run_again() {
    let (_directory, market) = market().await;
    let mut tx = market.store.write().await.unwrap();
    let now = now_ms(&mut tx).await.unwrap();
    // The subject is of no submission, which the worker only learns when it runs the task: this one is given up before.
    seed_submission(&mut tx).await;
    insert(&mut tx, "t", "packaging", "s", "s", 900, now, now).await.unwrap();
    sqlx::query("UPDATE tasks SET lost = $1").bind(LOST_MAX).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(market.clone(), stop.clone()).run());
    let operator = crate::Actor::Operator;
    let mut dead = Vec::new();
    for _ in 0..200 {
        dead = market.dead_tasks(&operator).await.unwrap();
        if !dead.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(dead.len(), 1);
    stop.cancel();
    worker.await.unwrap();
    market.run_again(&operator, &dead[0].id).await.unwrap();
    let row = take(&market, "one", 60_000).await.unwrap();
    assert_eq!((row.attempts, row.lost), (1, 1));
}

async fn seed_submission(c: &mut AnyConnection) {
    let sql = "INSERT INTO submissions (id, publisher, offer, number, bundle, state, notify, actor, created_ms) \
               VALUES ('s', 'p', 'o', 1, 'b', 'Running', '[]', 'test', 0)";
    sqlx::query(sql).execute(&mut *c).await.unwrap();
    crate::store::steps::insert(c, "s", &offer::submission::Step::ALL.map(|step| step.id())).await.unwrap();
}
