//! Stream management (XEP-0198) as far as it tells what the server took: both sides count stanzas. No resumption.

use super::Wrong;
use super::client::Client;
use super::stream::CLIENT;
use super::xml::Element;

const MANAGEMENT: &str = "urn:xmpp:sm:3";
/// Asks the server how many stanzas it took; goes out behind a stanza in the same write.
const ASK: &str = "<r xmlns='urn:xmpp:sm:3'/>";

/// Stanzas of a session since both sides count them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    sent: u32,
    came: u32,
}

/// Whether both sides count it.
pub(super) fn is_counted(stanza: &Element) -> bool {
    stanza.ns == CLIENT && matches!(stanza.name.as_str(), "message" | "presence" | "iq")
}

/// Whether the server asks how many stanzas came.
pub(super) fn asks(stanza: &Element) -> bool {
    stanza.is("r", MANAGEMENT)
}

impl Client {
    /// Asks the server to count stanzas from now on, and says, in the same write, that this session takes messages; whether the
    /// server counts.
    pub async fn manage_available(&mut self) -> Result<bool, Wrong> {
        self.counted = Some(Counted::default());
        self.send_text("<enable xmlns='urn:xmpp:sm:3'/><presence/>").await?;
        let answers = |stanza: &Element| stanza.is("enabled", MANAGEMENT) || stanza.is("failed", MANAGEMENT);
        let answer = self.wait("answer to `enable`", answers).await?;
        match &mut self.counted {
            Some(counted) if answer.name == "enabled" => counted.came = 0,
            _ => self.counted = None,
        }
        Ok(self.counted.is_some())
    }

    /// What to put behind a stanza so that the server says what it took.
    pub const fn ask() -> &'static str {
        ASK
    }

    /// Asks the server what it took.
    pub async fn ask_now(&mut self) -> Result<(), Wrong> {
        self.send(&Element::new("r", MANAGEMENT)).await
    }

    /// Stanzas sent since both sides count; none when they do not.
    pub fn sent(&self) -> Option<u32> {
        self.counted.map(|counted| counted.sent)
    }

    /// How many stanzas the server says it took, if this says it.
    pub fn taken(stanza: &Element) -> Option<u32> {
        stanza.is("a", MANAGEMENT).then(|| stanza.get("h").and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    pub(super) fn count_sent(&mut self, counts: bool) {
        if let Some(counted) = &mut self.counted {
            counted.sent = counted.sent.wrapping_add(u32::from(counts));
        }
    }

    pub(super) fn count_came(&mut self, counts: bool) {
        if let Some(counted) = &mut self.counted {
            counted.came = counted.came.wrapping_add(u32::from(counts));
        }
    }

    pub(super) async fn say_how_many_came(&mut self) -> Result<(), Wrong> {
        let came = self.counted.unwrap_or_default().came.to_string();
        self.send(&Element::new("a", MANAGEMENT).attr("h", came)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stanzas_are_counted() {
        assert!(is_counted(&Element::new("iq", CLIENT)));
        assert!(!is_counted(&Element::new("r", MANAGEMENT)) && asks(&Element::new("r", MANAGEMENT)));
        let says = Element::new("a", MANAGEMENT).attr("h", "7");
        assert_eq!((Client::taken(&says), Client::taken(&Element::new("iq", CLIENT))), (Some(7), None));
    }
}
