//! Reads nets; wires are passed over.

use std::sync::Arc;

use crate::def::read::Reader;
use crate::def::{Net, Terminal};
use crate::error::LayoutError;
use crate::lef::Use;

impl Reader<'_> {
    pub(crate) fn net(&mut self) -> Result<(), LayoutError> {
        let net = self.any_net()?;
        self.def.nets.push(net);
        Ok(())
    }

    pub(crate) fn special_net(&mut self) -> Result<(), LayoutError> {
        let net = self.any_net()?;
        self.def.special_nets.push(net);
        Ok(())
    }

    fn any_net(&mut self) -> Result<Net, LayoutError> {
        let mut net = Net {
            name: Arc::from(self.tokens.need("NETS")?),
            usage: None,
            terminals: Vec::new(),
        };
        let mut next = loop {
            match self.tokens.need("NETS")? {
                "(" => {
                    let terminal = self.terminal()?;
                    net.terminals.push(terminal);
                }
                token @ ("+" | ";") => break token,
                token => return Err(self.tokens.unexpected(token, "`(`, `+` or `;`")),
            }
        };
        while next == "+" {
            if self.tokens.need("NETS")? == "USE" {
                let text = self.tokens.need("NETS")?;
                let usage = Use::parse(text);
                net.usage = Some(usage.ok_or_else(|| self.tokens.unexpected(text, "a use"))?);
            }
            next = self.skip_option()?;
        }
        Ok(net)
    }

    /// One end, behind its parenthesis.
    fn terminal(&mut self) -> Result<Terminal, LayoutError> {
        let component = self.tokens.need("NETS")?;
        let pin = self.tokens.need("NETS")?;
        let terminal = match component {
            "PIN" => Terminal::Io(self.names.get(pin)),
            "*" => Terminal::Every(self.names.get(pin)),
            _ => Terminal::Component {
                component: self.used_component(component)?,
                pin: self.names.get(pin),
            },
        };
        loop {
            match self.tokens.need("NETS")? {
                ")" => return Ok(terminal),
                "+" | "SYNTHESIZED" => {}
                token => return Err(self.tokens.unexpected(token, "`)`")),
            }
        }
    }
}
