//! Reads LEF statement by statement; what is not asked for is skipped by the rules of the language.

use crate::error::{LayoutError, Problem};
use crate::geometry::Bounds;
use crate::lef::{
    Layer, LayerDirection, LayerType, Lef, Macro, MacroPin, PinDirection, Shape, Site, Use,
    duplicate,
};
use crate::tokens::Tokens;

pub(crate) fn read(tokens: &mut Tokens<'_>) -> Result<Lef, LayoutError> {
    let mut lef = Lef::default();
    let mut is_empty = true;
    while let Some(token) = tokens.next()? {
        match token {
            "UNITS" => units(tokens, &mut lef)?,
            "MANUFACTURINGGRID" => {
                lef.manufacturing_grid = Some(tokens.number()?);
                tokens.skip_statement()?;
            }
            "LAYER" => {
                let layer = layer(tokens)?;
                if lef.layer(&layer.name).is_some() {
                    return Err(tokens.error(duplicate("layer", layer.name)));
                }
                lef.layers.push(layer);
            }
            "SITE" => {
                let site = site(tokens)?;
                if lef.sites.contains_key(&site.name) {
                    return Err(tokens.error(duplicate("site", site.name)));
                }
                lef.sites.insert(site.name.clone(), site);
            }
            "MACRO" => {
                let cell = cell(tokens)?;
                if lef.macros.contains_key(&cell.name) {
                    return Err(tokens.error(duplicate("macro", cell.name)));
                }
                lef.macros.insert(cell.name.clone(), cell);
            }
            "VIA" | "VIARULE" | "NONDEFAULTRULE" | "ARRAY" => {
                let name = tokens.need("a block")?;
                tokens.skip_block(name)?;
            }
            "PROPERTYDEFINITIONS" | "SPACING" | "IRDROP" => tokens.skip_block(token)?,
            "NOISETABLE" | "CORRECTIONTABLE" => tokens.skip_block(token)?,
            "BEGINEXT" => tokens.skip_extension()?,
            "END" => {
                // Nothing behind it counts, as the language has it.
                tokens.expect("LIBRARY")?;
                return Ok(lef);
            }
            // A file of another language would otherwise be skipped to its end as one long statement.
            _ if is_keyword(token) => tokens.skip_statement()?,
            _ => return Err(tokens.unexpected(token, "a statement of LEF")),
        }
        is_empty = false;
    }
    if is_empty {
        return Err(tokens.error(Problem::Missing("statement of LEF")));
    }
    // `END LIBRARY` is optional since version 5.6 of the language; what is open is noticed where it is read.
    Ok(lef)
}

/// Whether a token may begin a statement.
fn is_keyword(token: &str) -> bool {
    let mut bytes = token.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn units(tokens: &mut Tokens<'_>, lef: &mut Lef) -> Result<(), LayoutError> {
    loop {
        match tokens.need("UNITS")? {
            "END" => return tokens.expect("UNITS"),
            "DATABASE" => {
                tokens.expect("MICRONS")?;
                let text = tokens.need("UNITS")?;
                let wanted = "a number of database units in a µm, above 0";
                let units = tokens.to_integer(text)?;
                let units = u32::try_from(units).ok().filter(|units| *units > 0);
                lef.units_per_micron = Some(units.ok_or_else(|| {
                    let text = text.to_owned();
                    tokens.error(Problem::Number { text, wanted })
                })?);
                tokens.skip_statement()?;
            }
            _ => tokens.skip_statement()?,
        }
    }
}

fn end_of(tokens: &mut Tokens<'_>, name: &str) -> Result<(), LayoutError> {
    let end = tokens.need("a block")?;
    if end == name {
        return Ok(());
    }
    Err(tokens.unexpected(end, "the name of the block that ends here"))
}

fn layer(tokens: &mut Tokens<'_>) -> Result<Layer, LayoutError> {
    let name = tokens.need("a layer")?;
    let mut layer = Layer {
        name: name.to_owned(),
        kind: None,
        direction: None,
        pitch: None,
        width: None,
    };
    let mut in_table = false;
    loop {
        match tokens.need("a layer")? {
            "END" => {
                end_of(tokens, name)?;
                return Ok(layer);
            }
            "TYPE" => {
                let kind = tokens.need("a layer")?.to_ascii_uppercase();
                layer.kind = Some(match kind.as_str() {
                    "ROUTING" => LayerType::Routing,
                    "CUT" => LayerType::Cut,
                    "MASTERSLICE" => LayerType::Masterslice,
                    _ => LayerType::Other(kind),
                });
                tokens.skip_statement()?;
            }
            "DIRECTION" => {
                let text = tokens.need("a layer")?;
                layer.direction = Some(match text.to_ascii_uppercase().as_str() {
                    "HORIZONTAL" => LayerDirection::Horizontal,
                    "VERTICAL" => LayerDirection::Vertical,
                    "DIAG45" | "DIAG135" => LayerDirection::Diagonal,
                    _ => return Err(tokens.unexpected(text, "a direction")),
                });
                tokens.skip_statement()?;
            }
            "PITCH" => {
                let x = tokens.number()?;
                let next = tokens.need("a layer")?;
                let y = if next == ";" {
                    x
                } else {
                    tokens.to_number(next)?
                };
                layer.pitch = Some((x, y));
                if next != ";" {
                    tokens.skip_statement()?;
                }
            }
            "WIDTH" if !in_table => {
                layer.width = Some(tokens.number()?);
                tokens.skip_statement()?;
            }
            // Its table has a statement of widths of its own.
            "ACCURRENTDENSITY" => loop {
                match tokens.need("a layer")? {
                    ";" => break,
                    "FREQUENCY" => in_table = true,
                    _ => {}
                }
            },
            "TABLEENTRIES" => {
                in_table = false;
                tokens.skip_statement()?;
            }
            ";" => {}
            _ => tokens.skip_statement()?,
        }
    }
}

fn size(tokens: &mut Tokens<'_>) -> Result<(f64, f64), LayoutError> {
    let width = tokens.number()?;
    tokens.expect("BY")?;
    let height = tokens.number()?;
    tokens.skip_statement()?;
    for side in [width, height] {
        if side < 0.0 {
            let (text, wanted) = (side.to_string(), "a size");
            return Err(tokens.error(Problem::Number { text, wanted }));
        }
    }
    Ok((width, height))
}

/// The words up to the `;`, in capitals.
fn class(tokens: &mut Tokens<'_>) -> Result<String, LayoutError> {
    let mut words: Vec<String> = Vec::new();
    loop {
        match tokens.need("a class")? {
            ";" => return Ok(words.join(" ")),
            word => words.push(word.to_ascii_uppercase()),
        }
    }
}

fn site(tokens: &mut Tokens<'_>) -> Result<Site, LayoutError> {
    let name = tokens.need("a site")?;
    let (mut site_class, mut site_size) = (None, None);
    loop {
        match tokens.need("a site")? {
            "END" => {
                end_of(tokens, name)?;
                let size =
                    site_size.ok_or_else(|| tokens.error(Problem::Missing("SIZE of the site")))?;
                return Ok(Site {
                    name: name.to_owned(),
                    class: site_class,
                    size,
                });
            }
            "CLASS" => site_class = Some(class(tokens)?),
            "SIZE" => site_size = Some(size(tokens)?),
            _ => tokens.skip_statement()?,
        }
    }
}

fn cell(tokens: &mut Tokens<'_>) -> Result<Macro, LayoutError> {
    let name = tokens.need("a macro")?;
    let mut cell = Macro {
        name: name.to_owned(),
        class: None,
        origin: (0.0, 0.0),
        size: (0.0, 0.0),
        site: None,
        pins: Vec::new(),
    };
    let mut has_size = false;
    loop {
        match tokens.need("a macro")? {
            "END" => {
                end_of(tokens, name)?;
                if !has_size {
                    return Err(tokens.error(Problem::Missing("SIZE of the macro")));
                }
                return Ok(cell);
            }
            "CLASS" => cell.class = Some(class(tokens)?),
            "ORIGIN" => {
                cell.origin = (tokens.number()?, tokens.number()?);
                tokens.skip_statement()?;
            }
            "SIZE" => {
                cell.size = size(tokens)?;
                has_size = true;
            }
            "SITE" => {
                let site = tokens.need("a macro")?.to_owned();
                cell.site.get_or_insert(site);
                tokens.skip_statement()?;
            }
            "PIN" => {
                let pin = pin(tokens)?;
                if cell.pin(&pin.name).is_some() {
                    return Err(tokens.error(duplicate("pin", pin.name)));
                }
                cell.pins.push(pin);
            }
            "OBS" | "DENSITY" => skip_geometry(tokens)?,
            "TIMING" => tokens.skip_block("TIMING")?,
            "BEGINEXT" => tokens.skip_extension()?,
            _ => tokens.skip_statement()?,
        }
    }
}

/// Skips statements up to an `END` without a name.
fn skip_geometry(tokens: &mut Tokens<'_>) -> Result<(), LayoutError> {
    while tokens.need("the geometry of a macro")? != "END" {
        tokens.skip_statement()?;
    }
    Ok(())
}

fn pin(tokens: &mut Tokens<'_>) -> Result<MacroPin, LayoutError> {
    let name = tokens.need("a pin")?;
    let mut pin = MacroPin {
        name: name.to_owned(),
        direction: None,
        usage: None,
        shapes: Vec::new(),
    };
    loop {
        match tokens.need("a pin")? {
            "END" => {
                end_of(tokens, name)?;
                return Ok(pin);
            }
            "DIRECTION" => {
                let text = tokens.need("a pin")?;
                let direction = PinDirection::parse(text);
                let direction =
                    direction.ok_or_else(|| tokens.unexpected(text, "a direction of a pin"))?;
                pin.direction = Some(direction);
                tokens.skip_statement()?;
            }
            "USE" => {
                let text = tokens.need("a pin")?;
                let usage = Use::parse(text);
                pin.usage = Some(usage.ok_or_else(|| tokens.unexpected(text, "a use of a pin"))?);
                tokens.skip_statement()?;
            }
            "PORT" => port(tokens, &mut pin.shapes)?,
            _ => tokens.skip_statement()?,
        }
    }
}

fn port(tokens: &mut Tokens<'_>, shapes: &mut Vec<Shape>) -> Result<(), LayoutError> {
    let mut layer = None;
    loop {
        let keyword = tokens.need("a port")?;
        match keyword {
            "END" => return Ok(()),
            "LAYER" => {
                layer = Some(tokens.need("a port")?);
                tokens.skip_statement()?;
            }
            "RECT" | "POLYGON" => {
                let layer =
                    layer.ok_or_else(|| tokens.unexpected(keyword, "LAYER before a shape"))?;
                let corners = if keyword == "RECT" { Some(4) } else { None };
                let bounds = bounds(tokens, corners)?;
                let layer = layer.to_owned();
                shapes.push(Shape { layer, bounds });
            }
            _ => tokens.skip_statement()?,
        }
    }
}

/// The box around the points up to the `;`. A rectangle has `wanted` numbers, and may be repeated, of which only the first
/// place is kept.
fn bounds(tokens: &mut Tokens<'_>, wanted: Option<usize>) -> Result<Bounds, LayoutError> {
    let mut found: Option<Bounds> = None;
    let mut numbers = 0;
    let mut x = 0.0;
    loop {
        let token = tokens.need("a shape")?;
        match token {
            ";" => break,
            "MASK" => drop(tokens.number()?),
            "ITERATE" | "(" | ")" => {}
            "DO" => {
                tokens.skip_statement()?;
                break;
            }
            _ => {
                let number = tokens.to_number(token)?;
                numbers += 1;
                if numbers % 2 == 1 {
                    x = number;
                    continue;
                }
                let point = Bounds {
                    x0: x,
                    y0: number,
                    x1: x,
                    y1: number,
                };
                found = Some(found.map_or(point, |found| found.join(point)));
            }
        }
    }
    let is_whole = wanted.map_or(numbers >= 6 && numbers % 2 == 0, |wanted| numbers == wanted);
    found
        .filter(|_| is_whole)
        .ok_or_else(|| tokens.unexpected(";", "the corners of a shape"))
}
