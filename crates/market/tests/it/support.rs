//! A marketplace in a fresh directory, with a publisher and a customer.

use market::clock::{Clock, Ids};
use market::config::{Config, Settings};
use market::{Actor, Market};
use offer::identity::{OfferId, PublisherId};
use tempfile::TempDir;

pub struct Place {
    pub directory: TempDir,
    pub market: Market,
}

pub fn config(directory: &TempDir) -> Config {
    Config::new(directory.path().join("data"), Settings::default())
}

pub async fn place() -> Place {
    let directory = TempDir::new().unwrap();
    let market = Market::open(config(&directory), Clock::system(), Ids::system()).await.unwrap();
    market.add_publisher(&Actor::Operator, &contoso(), "Contoso").await.unwrap();
    Place { directory, market }
}

pub fn contoso() -> PublisherId {
    "contoso".parse().unwrap()
}

pub fn sensor() -> OfferId {
    "sensor".parse().unwrap()
}
