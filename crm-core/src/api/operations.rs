// In every build.
operations! {
    SMALL, SMALL_NAMES, #[cfg(all())];

    /// Rounding, sharing out, converting and adding up money.
    money as MoneyArea {
        /// Rounds a decimal or a fraction to a multiple of an increment, in one of ten modes.
        pure round(crate::money::round::RoundRequest) -> crate::money::round::Rounded = crate::money::round::round;
        /// Shares an amount out by weights so that the shares sum to it exactly, under one of five remainder rules.
        pure allocate(crate::money::allocate::AllocateRequest) -> crate::money::allocate::Allocation = crate::money::allocate::allocate;
        /// Converts an amount with a dated rate and keeps the rate, its date and its source.
        pure convert(crate::money::convert::ConvertRequest) -> crate::money::convert::Converted = crate::money::convert::convert;
        /// Adds amounts of one or several currencies: a sum for each currency, and one converted sum where rates are given.
        pure sum(crate::money::sum::SumRequest) -> crate::money::sum::Sum = crate::money::sum::sum;
    }

    /// The currencies of ISO 4217.
    currencies as CurrenciesArea {
        /// Describes a currency: its number, its minor unit and its name.
        pure get(crate::money::currency::CurrencyRequest) -> crate::money::currency::CurrencyFacts = crate::money::currency::get;
    }

    /// Quotes.
    quotes as QuotesArea {
        /// Prices a quote: line and document discounts, tax, totals, with every step explained on request.
        pure price(crate::quotes::request::PriceRequest) -> crate::quotes::answer::PricedQuote = crate::quotes::price::price;
    }
}

// In builds with a store.
operations! {
    LARGE, LARGE_NAMES, #[cfg(feature = "store")];

    /// The configuration of a tenant.
    config as ConfigArea {
        /// Looks through a configuration: everything that is wrong or doubtful, with paths; nothing is stored.
        pure lint(crate::crm::configuration::ConfigRequest) -> crate::config::LintReport = crate::crm::configuration::lint;
        /// Stores the tenant's configuration; one with errors is refused.
        write put(crate::crm::configuration::ConfigRequest) -> crate::config::ConfigRecord = crate::crm::configuration::put;
        /// Reads the configuration in force: the stored one, or the built-in one with version 0.
        read get(crate::crm::configuration::GetConfig) -> crate::config::ConfigRecord = crate::crm::configuration::get;
    }

    /// Conditions on the fields of records, the one language of every rule and filter.
    conditions as ConditionsArea {
        /// Looks through a condition: everything that is wrong or doubtful, with paths.
        read lint(crate::crm::conditions::LintConditionRequest) -> crate::config::LintReport = crate::crm::conditions::lint;
        /// Says whether a condition holds for a record, stored or given.
        read test(crate::crm::conditions::ConditionRequest) -> crate::crm::conditions::ConditionResult = crate::crm::conditions::test;
        /// Says what each part of a condition makes of a record, stored or given.
        read explain(crate::crm::conditions::ConditionRequest) -> crate::crm::conditions::ConditionExplanation = crate::crm::conditions::explain;
    }

    /// The users who own and move records.
    users as UsersArea {
        /// Creates a user.
        write create(crate::people::user::NewUser) -> crate::people::user::User = crate::crm::users::create, with_obligations;
        /// Changes a user: a field left out stays, null empties it.
        write update(crate::people::user::UserUpdate) -> crate::people::user::User = crate::crm::users::update, with_obligations;
        /// Reads a user.
        read get(crate::crm::records::ById) -> crate::people::user::User = crate::crm::users::get;
        /// Reads a page of users, ordered by name.
        read find(crate::people::user::FindUsers) -> crate::people::user::UserPage = crate::crm::users::find;
        /// Says who acts for a user: the user, or during an absence the substitute, or else the manager, with a reason for each step.
        read stand_in(crate::people::standing_in::StandInRequest) -> crate::people::standing_in::StandIn = crate::crm::users::stand_in;
        /// Lists the managers above a user, the user's own first.
        read managers(crate::people::standing_in::ManagersRequest) -> crate::people::standing_in::Managers = crate::crm::users::managers;
    }

    /// The accounts that are sold to.
    accounts as AccountsArea {
        /// Creates an account.
        write create(crate::customers::account::NewAccount) -> crate::customers::account::Account = crate::crm::accounts::create, with_obligations;
        /// Changes an account: a field left out stays, null empties it.
        write update(crate::customers::account::AccountUpdate) -> crate::customers::account::Account = crate::crm::accounts::update, with_obligations;
        /// Reads an account.
        read get(crate::crm::records::ById) -> crate::customers::account::Account = crate::crm::accounts::get;
        /// Reads a page of accounts, ordered by name.
        read find(crate::customers::account::FindAccounts) -> crate::customers::account::AccountPage = crate::crm::accounts::find;
    }

    /// The products that are sold.
    products as ProductsArea {
        /// Creates a product.
        write create(crate::pricing::product::NewProduct) -> crate::pricing::product::Product = crate::crm::products::create, with_obligations;
        /// Changes a product: a field left out stays, null empties it.
        write update(crate::pricing::product::ProductUpdate) -> crate::pricing::product::Product = crate::crm::products::update, with_obligations;
        /// Reads a product.
        read get(crate::crm::records::ById) -> crate::pricing::product::Product = crate::crm::products::get;
        /// Reads a page of products, ordered by name.
        read find(crate::pricing::product::FindProducts) -> crate::pricing::product::ProductPage = crate::crm::products::find;
    }

    /// The price books that say what products cost.
    price_books as PriceBooksArea {
        /// Creates a price book; every product in it must exist.
        write create(crate::pricing::price_book::NewPriceBook) -> crate::pricing::price_book::PriceBook = crate::crm::price_books::create, with_obligations;
        /// Changes a price book; `entries` replaces the whole list.
        write update(crate::pricing::price_book::PriceBookUpdate) -> crate::pricing::price_book::PriceBook = crate::crm::price_books::update, with_obligations;
        /// Reads a price book.
        read get(crate::crm::records::ById) -> crate::pricing::price_book::PriceBook = crate::crm::price_books::get;
        /// Reads a page of price books, ordered by name.
        read find(crate::pricing::price_book::FindPriceBooks) -> crate::pricing::price_book::PriceBookPage = crate::crm::price_books::find;
        /// Says what products cost in a price book, with a reason for each price.
        read lookup(crate::pricing::lookup::LookupRequest) -> crate::pricing::lookup::FoundPrices = crate::crm::price_books::lookup;
    }

    /// The opportunities and their way through the pipeline.
    opportunities as OpportunitiesArea {
        /// Creates an opportunity in an open stage.
        write create(crate::pipeline::requests::NewOpportunity) -> crate::pipeline::opportunity::Opportunity = crate::crm::opportunities::create, with_obligations;
        /// Changes an opportunity's fields: one left out stays, null empties it. Its stage is changed by moves alone.
        write update(crate::pipeline::requests::OpportunityUpdate) -> crate::pipeline::opportunity::Opportunity = crate::crm::opportunities::update, with_obligations;
        /// Reads an opportunity.
        read get(crate::crm::records::ById) -> crate::pipeline::opportunity::Opportunity = crate::crm::opportunities::get;
        /// Reads a page of opportunities by owner, stage, account, status or name.
        read find(crate::pipeline::requests::FindOpportunities) -> crate::pipeline::requests::OpportunityPage = crate::crm::opportunities::find;
        /// Says what a move to a stage would need: whether the pipeline allows it and which required fields are missing.
        read requirements(crate::pipeline::requests::RequirementsRequest) -> crate::pipeline::requests::Requirements = crate::crm::opportunities::requirements;
        /// Moves an open opportunity to another open stage.
        write advance(crate::pipeline::requests::AdvanceRequest) -> crate::pipeline::opportunity::Opportunity = crate::crm::opportunities::advance;
        /// Closes an open opportunity as won.
        write win(crate::pipeline::requests::WinRequest) -> crate::pipeline::opportunity::Opportunity = crate::crm::opportunities::win;
        /// Closes an open opportunity as lost, with the reason.
        write lose(crate::pipeline::requests::LoseRequest) -> crate::pipeline::opportunity::Opportunity = crate::crm::opportunities::lose;
        /// Opens a won or lost opportunity again.
        write reopen(crate::pipeline::requests::ReopenRequest) -> crate::pipeline::opportunity::Opportunity = crate::crm::opportunities::reopen;
        /// Lists the stages an opportunity was in, with the time spent in each.
        read history(crate::crm::records::ById) -> crate::pipeline::history::History = crate::crm::opportunities::history;
    }

    /// Figures over the opportunities of a pipeline, each with its definition.
    insight as InsightArea {
        /// Counts opportunities by stage: where they are now, who passed through, how many went on and how long they stayed.
        read funnel(crate::insight::funnel::FunnelRequest) -> crate::insight::funnel::Funnel = crate::crm::insight::funnel;
        /// Counts won and lost opportunities and gives the exact rate.
        read win_rate(crate::insight::closed::ClosedRequest) -> crate::insight::win_rate::WinRates = crate::crm::insight::win_rate;
        /// Adds up what won opportunities were worth, each currency by itself.
        read won_value(crate::insight::closed::ClosedRequest) -> crate::insight::won_value::WonValues = crate::crm::insight::won_value;
        /// Measures the days from start to close of closed opportunities.
        read cycle_time(crate::insight::closed::ClosedRequest) -> crate::insight::cycle_time::CycleTimes = crate::crm::insight::cycle_time;
        /// Forecasts what the open opportunities may bring by month; what is assumed where they do not say is a named policy.
        read forecast(crate::insight::forecast::ForecastRequest) -> crate::insight::forecast::Forecast = crate::crm::insight::forecast;
    }

    /// The versions of records, where the store keeps their history.
    history as HistoryArea {
        /// Lists the versions of a record, oldest first; none when the store keeps no history.
        read list(crate::crm::history::ListHistory) -> crate::crm::history::HistoryPage = crate::crm::history::list;
        /// Reads a record as it stood at an instant.
        read as_of(crate::crm::history::AsOfRequest) -> crate::crm::history::RecordThen = crate::crm::history::as_of;
        /// Follows the hash chain of a record's versions and says where it breaks, if it does.
        read verify(crate::crm::history::OfRecord) -> crate::store::history::Verified = crate::crm::history::verify;
    }

    /// The upkeep of a store.
    maintenance as MaintenanceArea {
        /// Makes the keys of a page of records anew, after an upgrade whose engine declares other indexes; go on until `after` is absent.
        write reindex(crate::crm::reindex::ReindexRequest) -> crate::crm::reindex::Reindexed = crate::crm::reindex::page;
    }

    /// What is to be done, by whom and until when.
    tasks as TasksArea {
        /// Creates a task; its deadline and its reminder are kept as timers.
        write create(crate::activities::requests::NewTask) -> crate::activities::task::Task = crate::crm::tasks::create, with_obligations;
        /// Changes a task: a field left out stays, null empties it. Its timers follow.
        write update(crate::activities::requests::TaskUpdate) -> crate::activities::task::Task = crate::crm::tasks::update, with_obligations;
        /// Reads a task.
        read get(crate::crm::records::ById) -> crate::activities::task::Task = crate::crm::tasks::get;
        /// Reads a page of tasks by owner, status, related record or deadline.
        read find(crate::activities::requests::FindTasks) -> crate::activities::requests::TaskPage = crate::crm::tasks::find;
        /// Closes a task as done.
        write complete(crate::activities::requests::CloseTask) -> crate::activities::task::Task = crate::crm::tasks::complete, with_obligations;
        /// Closes a task that is not to be done any more.
        write cancel(crate::activities::requests::CloseTask) -> crate::activities::task::Task = crate::crm::tasks::cancel, with_obligations;
        /// Opens a closed task again; a reminder or deadline that has passed is due at once.
        write reopen(crate::activities::requests::ReopenTask) -> crate::activities::task::Task = crate::crm::tasks::reopen, with_obligations;
    }

    /// What is due when.
    timers as TimersArea {
        /// Carries out the timers that are due, each decided and committed by itself: once, with several tickers and after any downtime.
        direct_write tick(crate::crm::tick::TickRequest) -> crate::crm::tick::Ticked = crate::crm::tick::tick;
        /// Says which tenants have timers and when each one's first is due; the only operation that looks across tenants.
        direct_read next_due(crate::crm::tick::NextDueRequest) -> crate::crm::tick::NextDue = crate::crm::tick::next_due;
        /// Carries out one timer, as a tick does; for hosts that keep timers of their own.
        write fire(crate::crm::timers::FireTimer) -> crate::crm::timers::FiredTimer = crate::crm::timers::fire, with_obligations;
        /// Lists the timers that kept failing and were set aside, oldest first.
        read stuck(crate::crm::timers::StuckTimers) -> crate::crm::timers::StuckTimerPage = crate::crm::timers::stuck;
        /// Sets a timer again that was set aside; it is due at once.
        write retry(crate::crm::records::ById) -> crate::crm::timers::StuckTimer = crate::crm::timers::retry, with_obligations;
    }

    /// Work for the world outside, which the host carries out and acknowledges.
    intents as IntentsArea {
        /// Lists intents, those that have waited longest first; without a status the pending ones that are ready.
        read list(crate::crm::intents::ListIntents) -> crate::crm::intents::IntentPage = crate::crm::intents::list;
        /// Reads an intent.
        read get(crate::crm::records::ById) -> crate::crm::intents::Intent = crate::crm::intents::get;
        /// Notes how an attempt at an intent ended: done, or failed and to be tried again later, five times at most.
        write acknowledge(crate::crm::intents::Acknowledge) -> crate::crm::intents::Intent = crate::crm::intents::acknowledge;
        /// Makes an intent that was given up ready again.
        write retry(crate::crm::records::ById) -> crate::crm::intents::Intent = crate::crm::intents::retry;
    }

    /// What happened.
    events as EventsArea {
        /// Reads events after a cursor, in the order in which they were committed.
        read list(crate::crm::events::ListEvents) -> crate::crm::events::EventPage = crate::crm::events::list;
    }
}
