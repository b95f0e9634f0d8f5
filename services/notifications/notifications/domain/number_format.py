"""How a language writes amounts of money, counts and rates."""

from pydantic import BaseModel, ConfigDict

from shared.money import Money, minor_digits

_BASIS_POINT_DIGITS = 2


class NumberFormat(BaseModel):
    """A language's marks and separators; `percent` has the placeholder `$number`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decimal_point: str
    thousands_separator: str
    percent: str

    def amount(self, money: Money) -> str:
        """`money` in major units with its currency: "1,234.50 EUR", or "1.234,50 EUR"."""
        return f"{self._decimal(money.amount, minor_digits(money.currency))} {money.currency}"

    def rate(self, basis_points: int) -> str:
        """A rate in hundredths of a percent, without trailing zeros: "25.5%", or "25,5 %"."""
        number = self._decimal(basis_points, _BASIS_POINT_DIGITS)
        return self.percent.replace("$number", number.rstrip("0").removesuffix(self.decimal_point))

    def count(self, number: int) -> str:
        """A number of pieces: "1,234", or "1.234"."""
        return self._decimal(number, 0)

    def _decimal(self, scaled: int, digits: int) -> str:
        whole, fraction = divmod(abs(scaled), 10**digits)
        sign = "-" if scaled < 0 else ""
        grouped = f"{whole:,}".replace(",", self.thousands_separator)
        return f"{sign}{grouped}{self.decimal_point}{fraction:0{digits}}" if digits else f"{sign}{grouped}"
