//! The publisher's own pages: the offers and where each stands, the form in tabs with every field, and review and publish.
//! Everything works without a script; with it, what is typed is saved by itself, and what the rules say follows.

mod controls;
mod decode;
mod files;
mod list;
mod plans;
mod posted;
mod review;
mod tab;
mod tabs;
mod told;

use super::layout::{self, Head};
use super::{assets, failure};
use crate::access::Actor;
use crate::error::{Error, Kind};
use crate::http::{Refused, Who};
use crate::market::Market;
use crate::text::Text;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

pub(super) use files::{export, import, import_new, picture};
pub(super) use list::{check, create, page as offers};
pub(super) use plans::{look, remove as remove_plan, remove_page as remove_plan_page};
pub(super) use tab::{first, plan, save, save_plan, show};
pub(super) use tabs::field_of;

/// Who asks, and in which language.
pub(super) struct Desk {
    pub market: Market,
    pub actor: Actor,
    pub text: Text,
}

impl FromRequestParts<Market> for Desk {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, market: &Market) -> Result<Desk, Refused> {
        let Who(actor) = Who::from_request_parts(parts, market).await?;
        let language = super::Language::from_request_parts(parts, market).await;
        let super::Language(text) = language.unwrap_or_else(|never| match never {});
        Ok(Desk { market: market.clone(), actor, text })
    }
}

impl Desk {
    /// The page that says no; who is nobody is asked to sign in.
    fn no(&self, error: &Error) -> Response {
        if error.kind == Kind::Unauthenticated {
            return Redirect::to("/sign-in").into_response();
        }
        failure(&self.text, error)
    }

    /// A page of the portal.
    fn page(&self, title: &str, content: &Markup) -> Response {
        let about = Head { unlisted: true, wide: true, ..Head::default() };
        let content = html! {
            link rel="stylesheet" href=(assets::at("/assets/publish.css"));
            script src=(assets::at("/assets/publish.js")) defer {}
            (content)
        };
        layout::page_with(&self.text, title, &about, &content).into_response()
    }
}
