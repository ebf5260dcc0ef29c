//! History: messages sent are found again, page by page, in order.

use crate::probe::{Client, Element, Wrong};
use std::time::Duration;
use tokio::time::sleep;

const MESSAGES: usize = 5;
const PAGE: usize = 2;
/// A cluster may take a moment to store what was just delivered.
const TRIES: u32 = 10;

pub(super) async fn prove(one: &mut Client, other: &mut Client) -> Result<String, Wrong> {
    let address = other.bare().to_owned();
    let mark = one.fresh_id();
    let bodies: Vec<String> = (1..=MESSAGES).map(|at| format!("{mark} no. {at}")).collect();
    for body in &bodies {
        one.say(&address, body).await?;
        other.hear(body).await?;
    }
    let with = one.bare().to_owned();
    let mut found = Vec::new();
    for attempt in 0..TRIES {
        let (messages, pages) = whole(other, &with).await?;
        found = messages.into_iter().filter(|body| body.starts_with(&mark)).collect();
        if found == bodies {
            return Ok(format!("{MESSAGES} of {MESSAGES} in order, {pages} pages"));
        }
        sleep(Duration::from_millis(100) * (attempt + 1)).await;
    }
    Err(Wrong::Answer(format!("{} of {MESSAGES} found, or out of order", found.len())))
}

/// All bodies of one's history with somebody, and how many pages they came in.
async fn whole(client: &mut Client, with: &str) -> Result<(Vec<String>, usize), Wrong> {
    let mut bodies = Vec::new();
    let mut after: Option<String> = None;
    for page_number in 1..=100 {
        let page = client.history(Some(with), after.as_deref(), PAGE).await?;
        bodies.extend(page.messages.iter().filter_map(|message| message.own("body")).map(Element::inner));
        match page.next {
            Some(next) if Some(&next) != after.as_ref() => after = Some(next),
            Some(_) => return Err(Wrong::Answer("a page led back to itself".to_owned())),
            None => return Ok((bodies, page_number)),
        }
    }
    Err(Wrong::TooMuch("pages of history", 100))
}
