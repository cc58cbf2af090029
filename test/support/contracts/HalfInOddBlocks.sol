// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Pays a target all it is given in blocks of an even number and half of it in others: the same transaction, moved by a
/// reorg, is another payment.
contract HalfInOddBlocks {
    function pay(address payable target, bytes calldata input) external payable {
        uint256 amount = block.number % 2 == 0 ? msg.value : msg.value / 2;
        (bool success, ) = target.call{value: amount}(input);
        require(success, "the target refused");
    }
}
