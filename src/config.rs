/// c
pub struct Config;
