//! Identifies the sequence of indexes of one repository.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Random identifier of the indexes of one repository. One key may sign the indexes of several repositories;
/// the series prevents that the index of one is accepted for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Series([u8; 16]);

/// An invalid series.
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
#[error("invalid series: expected 32 hexadecimal digits")]
pub struct InvalidSeries;

impl Series {
    /// Generates a random series.
    ///
    /// # Errors
    /// Returns an error if no random numbers are available.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Series {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl FromStr for Series {
    type Err = InvalidSeries;

    fn from_str(text: &str) -> Result<Self, InvalidSeries> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(InvalidSeries);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| InvalidSeries)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl TryFrom<String> for Series {
    type Error = InvalidSeries;

    fn try_from(text: String) -> Result<Self, InvalidSeries> {
        text.parse()
    }
}

impl From<Series> for String {
    fn from(series: Series) -> Self {
        series.to_string()
    }
}
